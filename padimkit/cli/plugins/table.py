"""Rows as lines of aligned columns, without rich, whose import takes as long as listing all plugins."""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

_LEAST = 20  # characters of the last column, however narrow the terminal
_UNBROKEN = 10_000  # for a file or a pipe: one line for each row


def widths(rows: Iterable[Sequence[str]]) -> list[int]:
    """Return the width of each column but the last, which takes the rest of the line."""
    return [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]


def lines(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Yield the row in aligned columns; text too long for the terminal is continued in the last column."""
    start = "".join(f"{cell:{width}}  " for cell, width in zip(row, widths, strict=False))
    across = shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNBROKEN
    for text in textwrap.wrap(row[-1], max(across - len(start), _LEAST)) or [""]:
        yield (start + text).rstrip()
        start = " " * len(start)
