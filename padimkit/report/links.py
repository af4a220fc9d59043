"""Names of the places in a page that figures link to."""

from hashlib import blake2b

from padimkit.report.entries import Cell
from padimkit.report.protocols import protocol
from padimkit.report.scoreboards import Row


def of_cell(cell: Cell) -> str:
    """Where all is told about one record."""
    return f"record-{cell.record.key}"


def of_row(row: Row) -> str:
    """Where the records of a method on a data set begin."""
    first = next(iter(row.cells.values()))[0]
    return _hashed("row", first)


def of_category(row: Row, category: str) -> str:
    """Where the records of a method on a category begin; of the whole data set, if it has none there."""
    return _hashed("cells", row.cells[category][0]) if category in row.cells else of_row(row)


def _hashed(kind: str, cell: Cell) -> str:
    record = cell.record
    parts = [kind, record.method, str(protocol(record)), record.dataset]
    parts += [record.category] if kind == "cells" else []
    return f"{kind}-{blake2b(repr(parts).encode(), digest_size=6).hexdigest()}"
