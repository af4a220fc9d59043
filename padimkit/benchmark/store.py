"""A folder of records, one JSON file each."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NoReturn, get_args, get_origin, get_type_hints

from padimkit.benchmark.record import FORMAT, Record
from padimkit.errors import BadData
from padimkit.files import new_file
from padimkit.files.json_text import parsed_json, without_surrogates
from padimkit.files.regular import regular


def write(record: Record, folder: Path) -> Path:
    """Write `<key>.json`, whole or not at all, in place of an earlier record of the same cell.

    Raises:
        BadOutput: It cannot be written.
    """
    path = folder / f"{record.key}.json"
    with new_file(path, overwrite=True) as file:
        content = {"format": FORMAT, **asdict(record)}
        file.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> Record:
    """Return the record in a file.

    Raises:
        BadData: It is not a record, or one of an older or newer padimkit.
    """
    try:
        content = without_surrogates(parsed_json(regular(path).read_text(encoding="utf-8")))
        found = content.pop("format")
        content.pop("expected_growth", None)  # of records that were made before formulas had predictions
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadData(f'"{path}" is not a record ({error}). {_REMEDY}') from error
    if found != FORMAT:
        remedy = _REMEDY_OLDER if found in range(FORMAT) else "Upgrade padimkit."
        raise BadData(f'"{path}" has format {found}; this padimkit reads format {FORMAT}. {remedy}')
    try:
        record = from_fields(content)
    except TypeError as error:
        raise BadData(f'"{path}" is not a whole record ({error}). {_REMEDY}') from error
    if not re.fullmatch(r"[\w-]{1,100}", record.key):  # it names a file
        raise BadData(f'"{path}" is not a record ("key" is {record.key!r}, which cannot name one). {_REMEDY}')
    return record


_REMEDY = "Move it elsewhere; its cell can be run again."
_REMEDY_OLDER = "Move it and those like it elsewhere, and run the suite again."


def read_all(folder: Path) -> list[Record]:
    """Return all records in the folder, by suite, data, method and seed.

    Raises:
        BadData: There is no such folder, or a file in it is not a record.
    """
    if not folder.is_dir():
        raise BadData(f'"{folder}" is not a folder. Records were expected there.')
    return sorted((read(path) for path in paths(folder)), key=_order)


def worth(record: Record) -> tuple[bool, int, str]:
    """Return what tells which of several records of one cell counts, the highest one.

    A finished one counts more than a failed one, then that whose times more processes have measured, then
    the later one.
    """
    return record.failure is None, len(record.processes), record.begun


def paths(folder: Path) -> Iterator[Path]:
    """Return the files of records in the folder; temporary ones are hidden."""
    return (path for path in folder.glob("*.json") if not path.name.startswith("."))


def files_of(given: Iterable[Path]) -> Iterator[Path]:
    """Yield the files of records in folders, and single ones.

    Raises:
        BadData: A path does not exist.
    """
    for path in given:
        if path.is_dir():
            yield from sorted(paths(path))
        elif path.exists():
            yield path
        else:
            raise BadData(f'"{path}" does not exist. Expected a folder of records, or a single record.')


def _order(record: Record) -> tuple[str, str, str, str, int, str]:
    cell = record.cell
    return cell.suite, cell.dataset, cell.category, cell.method, cell.seed, record.key


def from_fields(content: dict[str, Any]) -> Record:
    """Return the record of fields in plain types, of which those with a default may be missing.

    Raises:
        TypeError: A field is of another type than a record has, unknown, or missing.
    """
    record: Record = typed(Record, content, "record")
    return record


@dataclass(frozen=True)
class Plan:
    """The cells of a suite when it last ran.

    Args:
        suite: Its name.
        titles: The names of its cells, by the keys of their records.
    """

    suite: str
    titles: Mapping[str, str]

    def write(self, folder: Path) -> None:
        """Write it beside the records, in place of an earlier one."""
        content = {"suite": self.suite, "titles": dict(self.titles)}
        with new_file(folder / f"{_START}{self.suite}.json", overwrite=True) as file:
            file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


_START = ".plan-"  # hidden: it is not a record


def plans(folder: Path) -> Iterator[Plan]:
    """Return the plans in a folder of records.

    Raises:
        BadData: A file is not a plan.
    """
    for path in sorted(folder.glob(f"{_START}*.json")):
        try:
            content = without_surrogates(parsed_json(regular(path).read_text(encoding="utf-8")))
            titles = {str(key): str(title) for key, title in content["titles"].items()}
            found = Plan(str(content["suite"]), titles)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadData(f'"{path}" is not a plan of a suite ({error}). Delete it.') from error
        yield found


_NAMES = {int: "a whole number", float: "a finite number", str: "text", bool: "true or false"}


def typed(kind: Any, value: Any, name: str) -> Any:
    """Return the value with all its parts checked: a dataclass made of a mapping, a tuple of a list.

    Args:
        kind: A dataclass, Any, int, float, str or bool, a Literal, or a dict, tuple or optional of these.
        value: In plain types.
        name: Its name in messages.

    Raises:
        TypeError: It or a part of it is of another type, not finite, no field, or missing.
    """
    inner = get_args(kind)
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _fields(kind, value, name)
    if get_origin(kind) is dict:
        return {key: typed(inner[1], item, f"{name}.{key}") for key, item in _mapping(value, name).items()}
    if get_origin(kind) is tuple:
        return tuple(typed(inner[0], item, f"{name}.{n}") for n, item in enumerate(_list(value, name)))
    if get_origin(kind) is Literal:
        return value if value in inner else _refuse(value, name, f"one of {', '.join(inner)}")
    if NoneType in inner:
        return None if value is None else typed(next(k for k in inner if k is not NoneType), value, name)
    return kind(value) if _is(kind, value) else _refuse(value, name, _NAMES[kind])


def _fields(kind: Any, value: Any, name: str) -> Any:
    content, kinds = _mapping(value, name), get_type_hints(kind)
    if unknown := content.keys() - kinds.keys():
        raise TypeError(f'"{name}" has no field {", ".join(sorted(unknown))}')
    if missing := [field.name for field in fields(kind) if is_required(field) and field.name not in content]:
        raise TypeError(f'"{name}" lacks {", ".join(missing)}')
    return kind(**{field: typed(kinds[field], item, f"{name}.{field}") for field, item in content.items()})


def is_required(field: "Field[Any]") -> bool:
    """Return whether a field of a dataclass has no default."""
    return field.default is MISSING and field.default_factory is MISSING


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else _refuse(value, name, "a mapping")


def _list(value: Any, name: str) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else _refuse(value, name, "a list")


def _is(kind: type, value: Any) -> bool:
    if kind not in (int, float):
        return isinstance(value, kind)
    number = isinstance(value, int | kind) and not isinstance(value, bool)
    return number and abs(value) <= sys.float_info.max  # which no NaN is


def _refuse(value: Any, name: str, expected: str) -> NoReturn:
    raise TypeError(f'"{name}" is {repr(value)[:50]}, {expected} was expected')
