"""YAML of plain types from files and command lines, refused before it can do harm.

YAML can hold dates, sets, bytes, and values that hold themselves, or that are a billion once written out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml
from jsonargparse import get_loader

MOST_CHARACTERS = 10**6
_MOST_LEVELS = 100
_MOST_VALUES = 10**6  # with those of aliases counted again
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # which calls itself for no level


def parsed_yaml(text: str) -> Any:
    """Return what a text of YAML holds: texts, numbers, booleans, nulls, lists, and mappings by texts.

    Raises:
        YAMLError: It is not valid YAML, holds other types or an alias that is part of itself, or more than a
            million characters or values, or 100 levels; the message says which.
    """
    if len(text) > MOST_CHARACTERS:
        raise yaml.YAMLError(f"it has more than {MOST_CHARACTERS} characters")
    try:
        _require_bounds(yaml.parse(text, Loader=_PARSER))
        value = get_loader("yaml")(text)
    except (ValueError, OverflowError, TypeError, RecursionError) as error:  # of numbers and dates
        raise yaml.YAMLError(" ".join(str(error).split())) from error
    _require_plain(value, "")
    return value


@dataclass
class _Open:
    """A list or mapping that has begun: the name by which aliases call it, and its values so far."""

    anchor: str | None
    values: int = 1


def _require_bounds(events: Iterable[Any]) -> None:
    """Count levels and values before any is made."""
    sizes: dict[str, int] = {}
    opened = [_Open(None)]
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            if any(one.anchor == event.anchor for one in opened):
                raise yaml.YAMLError(f'"*{event.anchor}"{_line(event)} is part of itself')
            opened[-1].values += sizes.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            opened[-1].values += 1
            sizes[event.anchor or ""] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append(_Open(event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = opened.pop()
            sizes[closed.anchor or ""] = closed.values
            opened[-1].values += closed.values
        if len(opened) > _MOST_LEVELS + 1:
            raise yaml.YAMLError(f"it is nested deeper than {_MOST_LEVELS} levels{_line(event)}")
        if opened[-1].values > _MOST_VALUES:
            raise yaml.YAMLError(f"it has more than {_MOST_VALUES} values, those of aliases counted again")


def _line(event: Any) -> str:
    return f" in line {event.start_mark.line + 1}" if event.start_mark else ""


def _require_plain(value: Any, key: str) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise yaml.YAMLError(f'a key of "{key}" is {name!r}; quote it')
            _require_plain(inner, f"{key}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            _require_plain(inner, f"{key}[{place}]")
    elif not (value is None or isinstance(value, bool | int | float | str)):
        raise yaml.YAMLError(f'"{key}" is a {type(value).__name__}; expected texts and numbers')
