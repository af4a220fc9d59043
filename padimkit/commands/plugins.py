"""`padimkit plugins`: what is installed, without importing it."""

import argparse
import sys

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from padimkit.errors import BrokenPlugin
from padimkit.inspection import fault
from padimkit.registry import CONTRACTS, Plugin, Registry

_COLUMNS = ("family", "name", "distribution", "version")
_WIDE = 240  # for a file or a pipe: no line of the table is broken


def run(words: list[str]) -> None:
    """Prints a table of all plugins."""
    # jsonargparse needs as long to import as all the rest of this command takes
    parser = argparse.ArgumentParser(
        prog="padimkit plugins",
        description="List every plugin of every family with its distribution and version. What can be seen "
        "to be broken without importing it is flagged.",
    )
    parser.add_argument("--check", action="store_true", help="Import each one, to find what else is broken.")
    check = parser.parse_args(words).check
    table = Table(*_COLUMNS, Column("state", overflow="fold"), box=None, pad_edge=False)
    for family in CONTRACTS:
        registry = Registry(family)
        for plugin, name in zip(registry.plugins(), registry.names(), strict=True):
            state = fault(plugin) or (_import_fault(plugin) if check else "")
            table.add_row(family, name, plugin.distribution, plugin.version, escape(state or "ok"))
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)


def _import_fault(plugin: Plugin) -> str:
    try:
        plugin.load()
    except BrokenPlugin as error:
        return f"broken: {error}"
    return ""
