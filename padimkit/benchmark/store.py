"""A folder of records, one JSON file each."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from padimkit.benchmark.record import FORMAT, Record
from padimkit.benchmark.typed import typed
from padimkit.errors import BadData
from padimkit.files import new_file


def write(record: Record, folder: Path) -> Path:
    """Writes `<key>.json`, whole or not at all, in place of an earlier record of the same cell.

    Raises:
        BadOutput: It cannot be written.
    """
    path = folder / f"{record.key}.json"
    with new_file(path, overwrite=True) as file:
        content = {"format": FORMAT, **asdict(record)}
        file.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> Record:
    """The record in a file.

    Raises:
        BadData: It is no record, or one of a newer padimkit.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content.pop("format")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadData(f'"{path}" is no record ({error}). {_REMEDY}') from error
    if found != FORMAT:
        raise BadData(f'"{path}" has format {found}; this padimkit reads format {FORMAT}. Upgrade padimkit.')
    try:
        return from_fields(content)
    except TypeError as error:
        raise BadData(f'"{path}" is no whole record ({error}). {_REMEDY}') from error


_REMEDY = "Move it elsewhere; its cell can be run again."


def read_all(folder: Path) -> list[Record]:
    """All records in the folder, by suite, data, method and seed.

    Raises:
        BadData: There is no such folder, or a file in it is no record.
    """
    if not folder.is_dir():
        raise BadData(f'"{folder}" is not a folder. Records were expected there.')
    return sorted((read(path) for path in paths(folder)), key=_order)


def paths(folder: Path) -> Iterator[Path]:
    """The files of records in the folder; temporary ones are hidden."""
    return (path for path in folder.glob("*.json") if not path.name.startswith("."))


def _order(record: Record) -> tuple[str, str, str, str, int, str]:
    return record.suite, record.dataset, record.category, record.method, record.seed, record.key


def from_fields(content: dict[str, Any]) -> Record:
    """The record of fields in plain types, of which those with a default may be missing.

    Raises:
        TypeError: A field is of another type than a record has, unknown, or missing.
    """
    record: Record = typed(Record, content, "record")
    return record
