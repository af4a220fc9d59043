"""Rows as lines of aligned columns, without rich, whose import takes as long as listing all plugins."""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from padimkit.files.foreign_text import printable

_LEAST = 20  # characters of the last column, however narrow the terminal
_UNBROKEN = 10_000  # for a file or a pipe: one line for each row


def widths(rows: Iterable[Sequence[str]]) -> list[int]:
    """Return the width of each column but the last, which takes the rest of the line."""
    columns = zip(*(_printable(row[:-1]) for row in rows), strict=True)
    return [max(map(len, column)) for column in columns]


def lines(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Yield the row in aligned columns; text too long for the terminal is continued in the last column."""
    row = _printable(row)
    start = "".join(f"{cell:{width}}  " for cell, width in zip(row, widths, strict=False))
    across = shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNBROKEN
    for text in textwrap.wrap(row[-1], max(across - len(start), _LEAST)) or [""]:
        yield (start + text).rstrip()
        start = " " * len(start)


def _printable(row: Sequence[str]) -> list[str]:
    """Return the cells, each on one line."""
    return [printable(" ".join(cell.split())) for cell in row]
