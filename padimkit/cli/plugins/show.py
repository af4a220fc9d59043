"""`padimkit plugins show`: the documentation of a plugin and of its arguments."""

from collections.abc import Sequence

from padimkit.cli.plugins.documentation import Manual, manual
from padimkit.cli.plugins.table import lines, widths
from padimkit.config.options import PlainParser
from padimkit.registry.families import find_family
from padimkit.registry.plugin import Plugin
from padimkit.registry.registry import NAMES, find_plugin

_TITLES = ("argument", "type", "default", "meaning")


def run(words: list[str]) -> None:
    """Print the origin of a plugin, its docstring and a table of its arguments."""
    parser = PlainParser(
        prog="padimkit plugins show",
        description="Show where a plugin comes from, what it does, and its arguments with types, defaults "
        "and meaning. The plugin is imported.",
    )
    parser.add_argument("name", help=NAMES)
    plugin = find_plugin(parser.parse_args(words).name)
    found = manual(plugin.load())
    _print_origin(plugin)
    for text in filter(None, (found.summary, found.text)):
        print(f"\n{text}")
    _print_arguments(found)


def _print_origin(plugin: Plugin) -> None:
    contract = find_family(plugin.family).contract
    rows = [
        ("name", f"{plugin.family}/{plugin.name}"),
        ("distribution", f"{plugin.distribution} {plugin.version}"),
        ("class", plugin.class_path),
        ("contract", f"padimkit.contracts.{contract}, version {plugin.contract_version}"),
    ]
    _print_table(rows)


def _print_arguments(found: Manual) -> None:
    if not found.arguments:
        print("\nIt takes no arguments.")
        return
    print()
    arguments = [(a.name, a.type, a.default or "required", a.text) for a in found.arguments]
    _print_table([_TITLES, *arguments])


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    columns = widths(rows)
    for row in rows:
        print(*lines(row, columns), sep="\n")
