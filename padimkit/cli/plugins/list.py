"""`padimkit plugins list`: all installed plugins and weights; no plugin is imported."""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TypeAlias

from padimkit.cli.plugins.inspection import inspect
from padimkit.cli.plugins.table import lines, widths
from padimkit.config.options import PlainParser
from padimkit.errors import BadWeights, BrokenPlugin
from padimkit.files.foreign_text import printable
from padimkit.registry.plugin import Plugin
from padimkit.registry.recipes import empty_offers as empty_recipes
from padimkit.registry.recipes import recipes_by_distribution
from padimkit.registry.registry import installed
from padimkit.registry.strays import strays
from padimkit.weights import cards, empty_offers, read_card

Rows: TypeAlias = Sequence[tuple[str, ...]]
Recipes: TypeAlias = Mapping[str, list[str]]  # by distribution
_TITLES = ("family", "name", "distribution", "version", "description")


def run(words: list[str]) -> None:
    """Print a table of all plugins and weights, and the recipes of each distribution."""
    # jsonargparse takes longer to import than all the rest of this command
    parser = PlainParser(
        prog="padimkit plugins list",
        description="List every plugin of every family, and all weights that installed packages carry, with "
        "distribution, version and description, or with the fault that is seen without importing it. "
        "Recipes and groups of entry points that cannot be used are listed too.",
    )
    parser.add_argument(
        "--import",
        action="store_true",
        dest="imported",
        help="Import each plugin, read all weights, and try all recipes, to find what is broken.",
    )
    parser.add_argument(
        "--format",
        choices=tuple(_FORMATS),
        default="text",
        help="A table for people, JSON for programs, or Markdown for a page. Default: text.",
    )
    given = parser.parse_args(words)
    says = _tried if given.imported else _seen
    plugins = [_row(plugin, name, says(plugin)) for plugin, name in installed().items()]
    others = (*_weights(verified=given.imported), *_broken_recipes(imported=given.imported), *_strays())
    _FORMATS[given.format]([*plugins, *others], recipes_by_distribution())


def _print_text(rows: Rows, recipes: Recipes) -> None:
    columns = widths([_TITLES, *rows])
    for row in (_TITLES, *rows):
        print(*lines(row, columns), sep="\n")
    for provider, names in sorted(recipes.items()):
        print(f"\nRecipes of {printable(f'{provider}: ' + ', '.join(names))}")


def _print_json(rows: Rows, recipes: Recipes) -> None:
    found = {"plugins": [dict(zip(_TITLES, row, strict=True)) for row in rows], "recipes": recipes}
    print(json.dumps(found, indent=2))


def _print_markdown(rows: Rows, recipes: Recipes) -> None:
    escaped = import_module("padimkit.report.formats.markdown").escaped  # takes longer than all the rest
    print(f"| {' | '.join(_TITLES)} |", f"|{'---|' * len(_TITLES)}", sep="\n")
    for row in rows:
        print(f"| {' | '.join(map(escaped, row))} |")
    for provider, names in sorted(recipes.items()):
        print(f"\nRecipes of {escaped(provider)}: {', '.join(map(escaped, names))}")


_FORMATS = {"text": _print_text, "json": _print_json, "markdown": _print_markdown}


def _row(plugin: Plugin, name: str, text: str) -> tuple[str, ...]:
    return plugin.family, name, plugin.distribution, plugin.version, text


def _weights(*, verified: bool) -> Iterator[tuple[str, ...]]:
    for card, offer in cards():
        try:
            weights = read_card(card, offer.distribution)
            text = f"needs {weights.holder}: {weights.missing}" if weights.missing else weights.about
            if verified and not weights.missing:
                weights.verified()
        except BadWeights as error:
            text = f"broken: {error}"
        yield "weights", card.stem, offer.distribution, offer.version, text
    for offer in empty_offers():
        name, _, package = offer.entry_point.partition(" = ")
        fault = f'broken: There is no card, a YAML file named after a model, in the package "{package}".'
        yield "weights", name, offer.distribution, offer.version, fault


def _broken_recipes(*, imported: bool) -> Iterator[tuple[str, ...]]:
    for offer in empty_recipes():
        name, _, package = offer.entry_point.partition(" = ")
        fault = f'broken: There is no recipe, a YAML file, in the package "{package}".'
        yield "recipes", name, offer.distribution, offer.version, fault
    if imported:
        for name, distribution, version, fault in import_module("padimkit.config.recipes").faults():
            yield "recipes", name, distribution, version, f"broken: {fault}"


def _strays() -> Iterator[tuple[str, ...]]:
    return ((one.group, one.name, one.distribution, one.version, one.fault) for one in strays())


def _seen(plugin: Plugin) -> str:
    seen = inspect(plugin)
    return seen.fault or f"{seen.description}{_clash(plugin)}"


def _clash(plugin: Plugin) -> str:
    """Return how a plugin is used whose name is taken by one of padimkit; empty if it is not."""
    taken = {(other.family, other.name) for other in installed([plugin.family]) if other.is_built_in}
    if plugin.is_built_in or (plugin.family, plugin.name) not in taken:
        return ""
    return f' ("{plugin.name}" is that of padimkit: use "{plugin.full_name}")'


def _tried(plugin: Plugin) -> str:
    seen = inspect(plugin)
    try:
        if not seen.fault:
            plugin.load()
    except BrokenPlugin as error:
        return f"broken: {error}"
    return _seen(plugin)
