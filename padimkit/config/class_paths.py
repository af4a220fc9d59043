"""Short names in settings, replaced by dotted class paths before jsonargparse sees them, and put back."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from padimkit.config.names import (
    FAMILY_OF,
    USUAL,
    as_part,
    find_class,
    is_dotted,
    is_registered,
    is_slot,
    require_name,
    short_name,
)
from padimkit.errors import BadConfig, UntrustedClass, did_you_mean
from padimkit.pipeline.pipeline import Pipeline

_PLAIN = {str, int, float, bool, Path, NoneType, Ellipsis}
_CONTAINERS = {list, tuple, dict, set, Union, UnionType}
_REMEDY = "Its code would run: pass --trust (trust=True) if you trust where this comes from."


@dataclass(frozen=True)
class Expansion:
    """A replacement of names by paths, by the type of each setting: plugins may use any key.

    Args:
        dotted: True if classes may be named by dotted paths, which are then imported, whatever they name;
            else only those of installed plugins.
        known: Texts that may stand for classes all the same, since an installed recipe holds them.
        providers: The distributions that short names mean, by family and name; others are padimkit's. None
            for what the names mean here.
    """

    dotted: bool = True
    known: frozenset[str] = frozenset()
    providers: Mapping[tuple[str, str], str] | None = None

    def value(self, value: Any, hint: Any, key: str) -> Any:
        """Return the value of a setting of type `hint`; `key` is its full path, for messages.

        Raises:
            BadConfig: A key within is unknown; near misses are named.
            UnknownPlugin: A name is not registered.
            UntrustedClass: A class is named by a dotted path, and `dotted` is false.
        """
        if isinstance(value, list | tuple) and get_origin(hint) in (list, tuple):
            inner = [argument for argument in get_args(hint) if argument is not Ellipsis]
            return [
                self.value(item, inner[min(i, len(inner) - 1)], f"{key}[{i}]") for i, item in enumerate(value)
            ]
        if isinstance(value, Mapping) and get_origin(hint) is dict:
            return {
                name: self.value(item, get_args(hint)[1], f"{key}.{name}") for name, item in value.items()
            }
        slots = [slot for slot in (hint, *get_args(hint)) if is_slot(slot)]
        if value is None and slots and hint not in slots:
            return None
        if slots and (hint in slots or get_origin(hint) in (Union, UnionType)):
            return self._slot(value, slots[0], key)
        if hint is Pipeline or is_dataclass(hint):
            return self._group(value, hint, key)
        if isinstance(value, Mapping) and (group := _chosen(value, hint, key)):
            return self._group(value, group, key)
        if not self.dotted and not _is_plain(hint):
            self._refuse_text(value, key)
        return value

    def _refuse_text(self, value: Any, key: str) -> None:
        """Refuse text at any depth: jsonargparse may take it for a path, YAML, or a thing to import."""
        if isinstance(value, Mapping):
            for name, inner in value.items():
                self._refuse_text(inner, f"{key}.{name}")
        elif isinstance(value, list):
            for inner in value:
                self._refuse_text(inner, key)
        elif isinstance(value, str) and value not in self.known:
            what = f'"{key}" is "{value}", which may stand for something that is not a plugin.'
            raise UntrustedClass(f"{what} {_REMEDY}")

    def _group(self, value: Any, group: Any, key: str) -> dict[str, Any]:
        """Return the settings of a class that is not chosen by name."""
        if not isinstance(value, Mapping):
            raise BadConfig(f'"{key}" is {value!r}; expected keys and values.')
        return self._arguments(value, group, key)

    def _slot(self, value: Any, slot: type[Any], key: str) -> Any:
        value = as_part(value, slot)
        if slot in USUAL and not isinstance(value, Mapping):
            raise BadConfig(f'"{key}" is {value!r}; expected keys and values, or a name.')
        if not isinstance(value, Mapping) or not isinstance(value.get("class_path"), str):
            if value is not None and not self.dotted:
                raise BadConfig(f'"{key}" is {value!r}; expected "class_path" and "init_args".')
            return value
        check_keys(value, ("class_path", "init_args"), key)
        if not self._is_trusted(value["class_path"], slot):
            what = f'"{key}" names "{value["class_path"]}", which is not an installed plugin.'
            raise UntrustedClass(f"{what} {_REMEDY}")
        path, found = find_class(self._qualified(value["class_path"], slot), slot)
        arguments = value.get("init_args") or {}
        if not isinstance(arguments, Mapping):
            raise BadConfig(f'"{key}.init_args" is {arguments!r}; expected keys and values.')
        below = key if found is USUAL.get(slot) else f"{key}.init_args"
        return {"class_path": path, "init_args": self._arguments(arguments, found, below)}

    def _is_trusted(self, name: str, slot: type[Any]) -> bool:
        return self.dotted or not is_dotted(name) or name in self.known or is_registered(name, slot)

    def _qualified(self, name: str, slot: type[Any]) -> str:
        """Return `distribution:name` for a short name of a plugin if the providers are known."""
        if self.providers is None or slot not in FAMILY_OF or ":" in name or is_dotted(name):
            return name
        return f"{self.providers.get((FAMILY_OF[slot], name), 'padimkit')}:{name}"

    def _arguments(self, arguments: Mapping[str, Any], part: type[Any], key: str) -> dict[str, Any]:
        parameters = inspect.signature(part).parameters
        if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters.values()):
            check_keys(arguments, parameters, key)
        hints = get_type_hints(part.__init__)
        return {
            name: self.value(value, hints.get(name), f"{key}.{name}") for name, value in arguments.items()
        }


ANYTHING = Expansion()  # of what is one's own


def collapsed(settings: Any) -> Any:
    """Return settings with short names in place of dotted paths, and without empty `init_args`."""
    if isinstance(settings, Mapping):
        no_arguments = "class_path" in settings and settings.get("init_args") == {}
        given = {key: value for key, value in settings.items() if not (no_arguments and key == "init_args")}
        return {key: _collapsed_value(key, value) for key, value in given.items()}
    if isinstance(settings, list | tuple):
        return [collapsed(value) for value in settings]
    return str(settings) if isinstance(settings, Path) else settings


def check_class_paths(settings: Any, key: str = "") -> None:
    """Check the form of every class path within settings, before anything is imported.

    Raises:
        BadConfig: One is empty, relative, or not a name; the message names the key.
    """
    if isinstance(settings, Mapping):
        for name, value in settings.items():
            where = f"{key}.{name}".removeprefix(".")
            if name == "class_path" and isinstance(value, str):
                require_name(value, where)
            check_class_paths(value, where)
    elif isinstance(settings, list | tuple):
        for place, value in enumerate(settings):
            check_class_paths(value, f"{key}[{place}]")


def check_keys(found: Iterable[str], known: Iterable[str], key: str) -> None:
    """Raise BadConfig for a key that is not known, with near misses."""
    known = list(known)
    for name in found:
        if name not in known:
            where = f"{key}.{name}" if key else name
            raise BadConfig(f'Unknown key "{where}".{did_you_mean(str(name), known)}')


def _collapsed_value(key: str, value: Any) -> Any:
    if key != "class_path" or not isinstance(value, str) or "." not in value:
        return collapsed(value)
    try:
        name = short_name(find_class(value, object)[1])
    except BadConfig:  # a part may be told to call a function, or a method of a class
        return value
    return value if is_dotted(name) else name


def _chosen(value: Mapping[str, Any], hint: Any, key: str) -> Any:
    """Return the group of a union whose keys these are, the first that knows one; None without groups."""
    groups = [group for group in get_args(hint) if is_dataclass(group)]
    known = {group: list(inspect.signature(group).parameters) for group in groups if isinstance(group, type)}
    if known:
        check_keys(value, [name for names in known.values() for name in names], key)
    return next((group for group, names in known.items() if any(name in names for name in value)), None)


def _is_plain(hint: Any) -> bool:
    """Return whether jsonargparse imports nothing for values of this type."""
    origin = get_origin(hint)
    if origin in _CONTAINERS:
        return all(_is_plain(argument) for argument in get_args(hint))
    return origin is Literal or (origin is None and hint in _PLAIN)


def texts_of(settings: Any) -> frozenset[str]:
    """Return all texts within settings, at any depth, but the keys."""
    if isinstance(settings, Mapping):
        return frozenset().union(*map(texts_of, settings.values()))
    if isinstance(settings, list | tuple):
        return frozenset().union(*map(texts_of, settings))
    return frozenset([settings] if isinstance(settings, str) else ())
