"""`padimkit plugins list`: all installed plugins and weights; no plugin is imported."""

from collections.abc import Iterator

from padimkit.cli.plugins.inspection import inspect
from padimkit.cli.plugins.table import lines, widths
from padimkit.config.options import PlainParser
from padimkit.errors import BadWeights, BrokenPlugin
from padimkit.files.foreign_text import printable
from padimkit.registry.plugin import Plugin
from padimkit.registry.recipes import recipes_by_distribution
from padimkit.registry.registry import installed
from padimkit.weights import cards, empty_offers, read_card

_TITLES = ("family", "name", "distribution", "version", "description")


def run(words: list[str]) -> None:
    """Print a table of all plugins and weights, and the recipes of each distribution."""
    # jsonargparse takes longer to import than all the rest of this command
    parser = PlainParser(
        prog="padimkit plugins list",
        description="List every plugin of every family, and all weights that installed packages carry, with "
        "distribution, version and description, or with the fault that is seen without importing it.",
    )
    parser.add_argument(
        "--import",
        action="store_true",
        dest="imported",
        help="Import each plugin, and read all weights, to find what is broken.",
    )
    imported = parser.parse_args(words).imported
    says = _tried if imported else _seen
    plugins = [_row(plugin, name, says(plugin)) for plugin, name in installed().items()]
    rows = [_TITLES, *plugins, *_weights(verified=imported)]
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
