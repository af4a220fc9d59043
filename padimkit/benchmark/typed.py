"""Values as JSON has them, made into what annotations ask for."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType
from typing import Any, Literal, NoReturn, get_args, get_origin, get_type_hints

_NAMES = {int: "a whole number", float: "a finite number", str: "text", bool: "true or false"}


def typed(kind: Any, value: Any, name: str) -> Any:
    """The value with all its parts checked: a dataclass made of a mapping, a tuple of a list.

    Args:
        kind: A dataclass, Any, int, float, str or bool, a Literal, or a dict, tuple or optional of these.
        value: In plain types.
        name: What a message calls it.

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
    if missing := [field.name for field in fields(kind) if _required(field) and field.name not in content]:
        raise TypeError(f'"{name}" lacks {", ".join(missing)}')
    return kind(**{field: typed(kinds[field], item, f"{name}.{field}") for field, item in content.items()})


def _required(field: "Field[Any]") -> bool:
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
