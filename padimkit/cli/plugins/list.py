"""`padimkit plugins list`: all installed plugins and weights; no plugin is imported."""

from collections.abc import Iterator
from importlib import import_module

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
    imported = parser.parse_args(words).imported
    says = _tried if imported else _seen
    plugins = [_row(plugin, name, says(plugin)) for plugin, name in installed().items()]
    rows = [_TITLES, *plugins, *_weights(verified=imported), *_broken_recipes(imported=imported), *_strays()]
    columns = widths(rows)
    for row in rows:
        print(*lines(row, columns), sep="\n")
    for provider, names in sorted(recipes_by_distribution().items()):
        print(f"\nRecipes of {printable(f'{provider}: ' + ', '.join(names))}")


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
