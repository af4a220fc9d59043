"""The first lines of a list that may be long, on the terminal."""

from collections.abc import Iterable

from padimkit.files.foreign_text import printable

_LISTED = 10


def print_first(lines: Iterable[str]) -> None:
    """Print the first ten lines, indented, and the number of the others."""
    found = list(lines)
    for line in found[:_LISTED]:
        print(printable(f"  {line}"))
    if len(found) > _LISTED:
        print(f"  and {len(found) - _LISTED} more")
