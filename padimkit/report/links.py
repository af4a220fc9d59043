"""Ids of the places in a page that numbers link to."""

from hashlib import blake2b

from padimkit.report.entries import Entry
from padimkit.report.protocols import protocol
from padimkit.report.scoreboards import Row


def of_entry(entry: Entry) -> str:
    """Return the place of a record."""
    return f"record-{entry.record.key}"


def of_row(row: Row) -> str:
    """Return the place of all records of a method on a data set."""
    first = next(iter(row.entries.values()))[0]
    return _hashed("row", first)


def of_category(row: Row, category: str) -> str:
    """Return the place of the records of a method on a category; of the row, if it has none there."""
    return _hashed("cells", row.entries[category][0]) if category in row.entries else of_row(row)


def _hashed(kind: str, entry: Entry) -> str:
    cell = entry.record.cell
    parts = [kind, cell.method, str(protocol(entry.record)), cell.dataset]
    parts += [cell.category] if kind == "cells" else []
    return f"{kind}-{blake2b(repr(parts).encode(), digest_size=6).hexdigest()}"
