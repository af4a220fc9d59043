"""`padimkit plugins`: what is installed, without importing it."""

import sys

from rich.console import Console
from rich.table import Table

from padimkit.errors import BadConfig, BrokenPlugin
from padimkit.inspection import fault
from padimkit.registry import CONTRACTS, Plugin, Registry

_USAGE = """usage: padimkit plugins [--check]

List every plugin of every family with its distribution and version. What can be seen to be broken
without importing it is flagged; --check imports each one, which finds the rest and takes longer.
"""


def run(words: list[str]) -> None:
    """Prints a table of all plugins."""
    if set(words) & {"-h", "--help"}:
        sys.stdout.write(_USAGE)
        return
    if set(words) - {"--check"}:
        raise BadConfig(f"Unknown arguments: {' '.join(words)}. The only option is --check.")
    table = Table("family", "name", "distribution", "version", "state", box=None, pad_edge=False)
    for family in CONTRACTS:
        registry = Registry(family)
        for plugin, name in zip(registry.plugins(), registry.names(), strict=True):
            state = fault(plugin) or (_import_fault(plugin) if "--check" in words else "")
            table.add_row(family, name, plugin.distribution, plugin.version, state or "ok")
    Console(soft_wrap=True).print(table)


def _import_fault(plugin: Plugin) -> str:
    try:
        plugin.load()
    except BrokenPlugin as error:
        return f"broken: {error}"
    return ""
