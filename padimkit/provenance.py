"""Where the parts of a pipeline come from."""

from collections.abc import Iterator, Mapping
from typing import Any

from padimkit.arguments import arguments
from padimkit.names import FAMILIES
from padimkit.pipeline import Pipeline
from padimkit.registry import Plugin, Registry


def plugins_of(pipeline: Pipeline) -> list[dict[str, str]]:
    """Family, name, distribution and version of each plugin in a pipeline, parts of parts included."""
    return [
        {
            "family": plugin.family,
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
        }
        for plugin in dict.fromkeys(_plugins(pipeline))
    ]


def _plugins(value: Any) -> Iterator[Plugin]:
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _plugins(inner)
    elif isinstance(value, Mapping):
        yield from _plugins(list(value.values()))
    elif isinstance(value, (Pipeline, *FAMILIES)):
        for contract, family in FAMILIES.items():
            name = Registry(family).name_of(type(value)) if isinstance(value, contract) else None
            if name is not None:
                yield Registry(family).find(name)
        yield from _plugins(arguments(value))
