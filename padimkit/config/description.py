"""The configuration of a part, read back from the part itself."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, get_args, get_type_hints

from padimkit.arguments import arguments
from padimkit.config.names import FAMILY_OF, SLOTS, USUAL, short_name
from padimkit.errors import BrokenPlugin
from padimkit.images.preprocessing import Preprocessing
from padimkit.pipeline.pipeline import Pipeline
from padimkit.registry.plugin import Plugin
from padimkit.registry.registry import Registry, called_in_families


def describe(part: Any) -> Any:
    """Return the settings that make this value anew, in plain types that YAML and JSON can hold.

    Raises:
        BrokenPlugin: A part does not store its arguments, or stores something that cannot be written down.
    """
    if part is None or isinstance(part, bool | str):
        return part
    if isinstance(part, Real):  # numpy's numbers too
        return int(part) if isinstance(part, Integral) else float(part)
    if isinstance(part, Path):
        return str(part)
    if isinstance(part, Mapping):
        return {str(key): describe(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [describe(value) for value in part]
    if is_dataclass(part) and (type(part) in USUAL.values() or not isinstance(part, SLOTS)):
        given = {field.name: describe(getattr(part, field.name)) for field in fields(part)}
        return {
            name: value for name, value in given.items() if value is not None or not _is_unsaid(part, name)
        }
    if isinstance(part, Pipeline):
        return _described_arguments(part)
    return {"class_path": short_name(type(part)), "init_args": _described_arguments(part)}


def _is_unsaid(part: object, name: str) -> bool:
    return name in getattr(part, "unsaid", ())


def _described_arguments(part: object) -> dict[str, Any]:
    try:
        given, hints = arguments(part), _hints(type(part))
        for name, value in given.items():
            _refuse_subclass(name, value, hints.get(name))
        return {name: describe(value) for name, value in given.items()}
    except (TypeError, ValueError) as error:
        raise BrokenPlugin(f"{type(part).__qualname__} cannot be written down: {error}.") from error


def _hints(kind: type[Any]) -> dict[str, Any]:
    try:
        return get_type_hints(kind.__init__)
    except NameError:  # of a name that is imported for a type checker alone
        return {}


def _refuse_subclass(name: str, value: object, hint: Any) -> None:
    """Raise TypeError for a group of values that settings, which hold no class of it, would make another."""
    groups = [group for group in (hint, *get_args(hint)) if isinstance(group, type) and is_dataclass(group)]
    for group in () if type(value) in groups else groups:
        if isinstance(value, group) and not issubclass(group, SLOTS):
            raise TypeError(
                f'its "{name}" is a {type(value).__qualname__}, a subclass of {group.__qualname__}, as which '
                "it would be read back"
            )


def plugins_of(*parts: Any) -> list[dict[str, str]]:
    """Return family, name, distribution and version of each plugin in a pipeline, a data set or metrics.

    Parts of parts are included.
    """
    return [
        {
            "family": plugin.family,
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
        }
        for plugin in dict.fromkeys(_plugins(parts))
    ]


def versions_named(settings: Any) -> dict[str, str]:
    """Return the versions of the distributions whose plugins resolved settings name, found by name alone."""
    plugins = [plugin for name in names_of_parts(settings) for plugin in plugins_called(name)]
    return dict(sorted((plugin.distribution, plugin.version) for plugin in plugins))


def names_of_parts(settings: Any) -> Iterator[str]:
    """Yield the names of all parts in resolved settings."""
    if isinstance(settings, Mapping) and isinstance(settings.get("class_path"), str):
        yield settings["class_path"]
    values = settings.values() if isinstance(settings, Mapping) else settings
    for value in values if isinstance(settings, Mapping | list | tuple) else ():
        yield from names_of_parts(value)


def plugins_called(name: str) -> list[Plugin]:
    """Return what a name in settings means in each family that has it; none for a dotted path."""
    return called_in_families(name, FAMILY_OF.values())


def _plugins(value: Any) -> Iterator[Plugin]:
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _plugins(inner)
    elif isinstance(value, Mapping):
        yield from _plugins(list(value.values()))
    elif isinstance(value, (Pipeline, *FAMILY_OF)):
        for contract, family in FAMILY_OF.items():
            name = Registry(family).name_of(type(value)) if isinstance(value, contract) else None
            if name is not None:
                yield Registry(family).find(name)
        yield from _plugins(arguments(value))
    elif isinstance(value, Preprocessing):
        yield from _plugins(value.first)
