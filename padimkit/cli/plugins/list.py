"""`padimkit plugins list`: all installed plugins, none of them imported."""

from collections import Counter

from padimkit.cli.plugins.inspection import inspect
from padimkit.cli.plugins.table import lines, widths
from padimkit.config.options import PlainParser
from padimkit.errors import BrokenPlugin
from padimkit.registry.plugin import Plugin
from padimkit.registry.recipes import providers
from padimkit.registry.registry import installed

_TITLES = ("family", "name", "distribution", "version", "description")


def run(words: list[str]) -> None:
    """Print a table of all plugins, and the distributions that provide recipes."""
    # jsonargparse takes longer to import than all the rest of this command
    parser = PlainParser(
        prog="padimkit plugins list",
        description="List every plugin of every family with its distribution, its version and its "
        "description, or with the fault that is seen without importing it.",
    )
    parser.add_argument(
        "--import", action="store_true", dest="imported", help="Import each one, to find all that are broken."
    )
    says = _tried if parser.parse_args(words).imported else _seen
    rows = [_TITLES, *(_row(plugin, name, says(plugin)) for plugin, name in installed().items())]
    columns = widths(rows)
    for row in rows:
        print(*lines(row, columns), sep="\n")
    recipes = ", ".join(f"{name} ({count})" for name, count in sorted(Counter(providers()).items()))
    print(f"\nRecipes: {recipes}")


def _row(plugin: Plugin, name: str, text: str) -> tuple[str, ...]:
    return plugin.family, name, plugin.distribution, plugin.version, text


def _seen(plugin: Plugin) -> str:
    seen = inspect(plugin)
    return seen.fault or seen.description


def _tried(plugin: Plugin) -> str:
    seen = inspect(plugin)
    try:
        if not seen.fault:
            plugin.load()
    except BrokenPlugin as error:
        return f"broken: {error}"
    return seen.fault or seen.description
