"""Plugins by name, over the entry points of all installed distributions; listing them imports none."""

import importlib
import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any, final

from padimkit.errors import AmbiguousPlugin, BrokenPlugin, UnknownPlugin

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

    def load(self) -> type[Any]:
        """The class, imported and checked against the contract of its family.

        Raises:
            BrokenPlugin: It is made for another contract version, cannot be imported, or is of a wrong kind.
        """
        who = f'Plugin "{self.name}" ({self.family}) of {self.distribution} {self.version}'
        if self.contract_version != CONTRACT_VERSION:
            raise BrokenPlugin(
                f"{who} is made for version {self.contract_version} of the contracts; "
                f"this padimkit has version {CONTRACT_VERSION}. Install versions that fit."
            )
        try:
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

    >>> Registry("reducers").names()
    ['identity', 'pca', 'random_channels']
    """

    def __init__(self, family: str) -> None:
        self.family = family

    def plugins(self) -> list[Plugin]:
        """All plugins of the family by name, ambiguous and foreign ones included; imports none of them."""
        found = []
        installed = entry_points()
        for group in installed.groups:
            version = _contract_version(group, self.family)
            if version is not None:
                found += [_plugin(entry, self.family, version) for entry in installed.select(group=group)]
        # A distribution may serve several versions; then only the one that fits counts.
        fitting = {plugin.full_name for plugin in found if plugin.contract_version == CONTRACT_VERSION}
        found = [p for p in found if p.contract_version == CONTRACT_VERSION or p.full_name not in fitting]
        return sorted(found, key=lambda plugin: (plugin.name, plugin.distribution))

    def names(self) -> list[str]:
        """The names that can be used, an ambiguous one in the form `distribution:name`."""
        plugins = self.plugins()
        short = [plugin.name for plugin in plugins]
        return [p.name if short.count(p.name) == 1 else p.full_name for p in plugins]

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
            near = get_close_matches(name, [p.name for p in plugins] + [p.full_name for p in plugins], n=3)
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise UnknownPlugin(
                f'No plugin "{name}" in the family "{self.family}".{hint} List all with: padimkit plugins'
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
        names = dict(zip(self.plugins(), self.names(), strict=True))
        for plugin, name in names.items():
            if plugin.class_path == path:
                return name
        for plugin, name in names.items():  # an entry point may name a re-export of the class
            if _package(plugin.class_path) == _package(path) and _leads_to(plugin, part):
                return name
        return None


def _contract_version(group: str, family: str) -> int | None:
    match = re.fullmatch(rf"padimkit\.{family}(?:\.v(\d+))?", group)
    return int(match[1] or 1) if match else None


def _plugin(entry_point: EntryPoint, family: str, contract_version: int) -> Plugin:
    distribution = entry_point.dist
    name = distribution.metadata["Name"] if distribution else "unknown"
    version = distribution.version if distribution else "unknown"
    return Plugin(family, entry_point.name, name, version, contract_version, entry_point)


def _package(path: str) -> str:
    return path.split(".")[0]


def _leads_to(plugin: Plugin, part: type[Any]) -> bool:
    try:
        return plugin.load() is part
    except BrokenPlugin:
        return False


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")
