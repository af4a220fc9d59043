"""Counts and the first lines of a list that may be long, on the terminal."""

from collections.abc import Iterable

from padimkit.files.foreign_text import printable

LISTED = 10


def counted_images(count: int) -> str:
    """Return "1 image", or the number and "images"."""
    return f"{count} image" if count == 1 else f"{count} images"


def print_first(lines: Iterable[str], more: int = 0) -> None:
    """Print the first ten lines, indented, and the number of the others, of which `more` are not given."""
    for number, line in enumerate(lines):
        if number < LISTED:
            print(printable(f"  {line}"))
        else:
            more += 1
    if more:
        print(f"  and {more} more")
