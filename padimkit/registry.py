"""Plugins by name, over the entry points of all installed distributions; listing them imports none."""

import importlib
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any, final

from padimkit.errors import AmbiguousPlugin, BrokenPlugin, UnknownPlugin
from padimkit.importing import prints_set_aside
from padimkit.spelling import near_misses

CONTRACT_VERSION = 1

# The family's entry points stand in the group "padimkit.<family>"; what is written for a later version of
# the contracts stands in "padimkit.<family>.v<version>", so that the version is known without an import.
CONTRACTS = {
    "backbones": "Backbone",
    "reducers": "Reducer",
    "densities": "DensityModel",
    "metrics": "Metric",
    "datasets": "DataSource",
}


@dataclass(frozen=True)
class Plugin:
    """One entry point: a name, who provides it, and where its class is."""

    family: str
    name: str
    distribution: str
    version: str
    contract_version: int
    entry_point: EntryPoint

    @property
    def full_name(self) -> str:
        """`distribution:name`, which is never ambiguous."""
        return f"{self.distribution}:{self.name}"

    @property
    def class_path(self) -> str:
        """The dotted path of the class."""
        return self.entry_point.value.split("[")[0].strip().replace(":", ".")

    @property
    def is_well_formed(self) -> bool:
        """Whether its entry point names a module and a class in it."""
        return re.fullmatch(r"[\w.]+\s*:\s*[\w.]+\s*(\[[^]]*\]\s*)?", self.entry_point.value) is not None

    def load(self) -> type[Any]:
        """The class, imported and checked against the contract of its family.

        What it prints on import goes to standard error.

        Raises:
            BrokenPlugin: It is made for another contract version, cannot be imported, or is of a wrong kind.
        """
        who = f'Plugin "{self.name}" ({self.family}) of {self.distribution} {self.version}'
        if self.contract_version != CONTRACT_VERSION:
            raise BrokenPlugin(
                f"{who} is made for version {self.contract_version} of the contracts; "
                f"this padimkit has version {CONTRACT_VERSION}. Install versions that fit."
            )
        if not self.is_well_formed:
            raise BrokenPlugin(
                f'{who} cannot be found: its entry point "{self.entry_point.value}" is no "module:Class".'
            )
        try:
            with prints_set_aside():
                loaded = self.entry_point.load()
        except (Exception, SystemExit) as error:  # a stranger's module may raise anything
            raise BrokenPlugin(f"{who} cannot be imported: {_cause(error)}{self._hint(error)}") from error
        contract = getattr(importlib.import_module("padimkit.contracts"), CONTRACTS[self.family])
        if not (isinstance(loaded, type) and issubclass(loaded, contract)):
            raise BrokenPlugin(
                f'{who}: "{self.entry_point.value}" is {loaded!r}; expected a subclass of '
                f"padimkit.contracts.{contract.__name__}."
            )
        return loaded

    def _hint(self, error: BaseException) -> str:
        if isinstance(error, ImportError) and self.entry_point.extras:
            extras = ",".join(self.entry_point.extras)
            return f". Install it with: pip install '{self.distribution}[{extras}]'"
        return "."


@final
class Registry:
    """The plugins of one family.

    >>> Registry("reducers").find("pca").class_path
    'padimkit.reducers.pca.PCA'
    """

    def __init__(self, family: str) -> None:
        self.family = family

    def plugins(self) -> list[Plugin]:
        """All plugins of the family by name, ambiguous and foreign ones included; imports none of them."""
        return list(self._named())

    def names(self) -> list[str]:
        """The names that can be used, an ambiguous one in the form `distribution:name`."""
        return list(self._named().values())

    def find(self, name: str) -> Plugin:
        """The plugin of this name, or of this `distribution:name`, not yet imported.

        Raises:
            UnknownPlugin: There is none; near misses are named.
            AmbiguousPlugin: Several distributions provide it.
        """
        plugins = self.plugins()
        matches = [plugin for plugin in plugins if name in (plugin.name, plugin.full_name)]
        if len(matches) > 1:
            choices = ", ".join(f'"{plugin.full_name}"' for plugin in matches)
            raise AmbiguousPlugin(
                f'"{name}" ({self.family}) is provided by several distributions. Use one of {choices}.'
            )
        if not matches:
            near = near_misses(name, [p.name for p in plugins] + [p.full_name for p in plugins])
            raise UnknownPlugin(
                f'No plugin "{name}" in the family "{self.family}".{near} '
                "List all with: padimkit plugins list"
            )
        return matches[0]

    def load(self, name: str) -> type[Any]:
        """The class of this name; only this plugin is imported.

        Raises:
            UnknownPlugin: There is none; near misses are named.
            AmbiguousPlugin: Several distributions provide it.
            BrokenPlugin: It cannot be imported or is not what its entry point says.
        """
        return self.find(name).load()

    def name_of(self, part: type[Any]) -> str | None:
        """The name under which this class is registered, or None if no entry point leads to it."""
        path = f"{part.__module__}.{part.__qualname__}"
        names = self._named()
        for plugin, name in names.items():
            if plugin.class_path == path:
                return name
        for plugin, name in names.items():  # an entry point may name a re-export of the class
            if _package(plugin.class_path) == _package(path) and _leads_to(plugin, part):
                return name
        return None

    def _named(self) -> dict[Plugin, str]:
        return installed([self.family])


def installed(families: Collection[str] = tuple(CONTRACTS)) -> dict[Plugin, str]:
    """All plugins of these families in their order, ambiguous and foreign ones included; imports none.

    The value is the name by which a plugin is used: `distribution:name` where a name is ambiguous.
    """
    order = list(CONTRACTS)
    found = sorted(
        _fitting(list(_found(families))), key=lambda p: (order.index(p.family), p.name, p.distribution)
    )
    count = Counter((plugin.family, plugin.name) for plugin in found)
    return {p: p.name if count[p.family, p.name] == 1 else p.full_name for p in found}


def _found(families: Collection[str]) -> Iterator[Plugin]:
    provider = cache(_provider)  # each look at the metadata reads and parses the file anew
    entries = entry_points()
    for group in entries.groups:
        if match := re.fullmatch(rf"padimkit\.({'|'.join(families)})(?:\.v(\d+))?", group):
            for entry in entries.select(group=group):
                yield Plugin(match[1], entry.name, *provider(entry.dist), int(match[2] or 1), entry)


def _provider(distribution: Distribution | None) -> tuple[str, str]:
    """Name and version, as far as the distribution says them."""
    if distribution is None:
        return "unknown", "unknown"
    metadata = distribution.metadata
    return metadata["Name"] or "unknown", metadata["Version"] or "unknown"


def _fitting(plugins: list[Plugin]) -> list[Plugin]:
    """A distribution may serve several versions of the contracts; then only the one that fits counts."""
    fitting = {(p.family, p.full_name) for p in plugins if p.contract_version == CONTRACT_VERSION}
    return [
        p for p in plugins if p.contract_version == CONTRACT_VERSION or (p.family, p.full_name) not in fitting
    ]


def _package(path: str) -> str:
    return path.split(".")[0]


def _leads_to(plugin: Plugin, part: type[Any]) -> bool:
    try:
        return plugin.load() is part
    except BrokenPlugin:
        return False


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")
