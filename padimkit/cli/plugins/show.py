"""`padimkit plugins show`: the documentation of a plugin and of its arguments."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from padimkit.cli.plugins.documentation import Manual, manual
from padimkit.cli.plugins.table import lines, widths
from padimkit.config.options import PlainParser
from padimkit.errors import BadArgument, UnknownPlugin, did_you_mean, near_misses
from padimkit.files.foreign_text import printable
from padimkit.files.packages import canonical
from padimkit.registry.families import find_family
from padimkit.registry.plugin import Plugin
from padimkit.registry.recipes import find_recipe, recipes
from padimkit.registry.registry import NAMES, find_plugin
from padimkit.weights import INSTALLED, InstalledWeights, cards, read_card

_WEIGHTS = "weights/"
_RECIPES = "recipes/"
_TITLES = ("argument", "type", "default", "meaning")


def run(words: list[str]) -> None:
    """Print the origin of a plugin, its docstring and a table of its arguments."""
    parser = PlainParser(
        prog="padimkit plugins show",
        description="Show where a plugin comes from, what it does, and its arguments with types, defaults "
        "and meaning. The plugin is imported. Of weights, show what their card says; of a recipe, its file.",
    )
    parser.add_argument(
        "name",
        help=f"{NAMES} For weights, the model, weights/model or distribution:model; for a recipe, "
        "recipes/name.",
    )
    name = parser.parse_args(words).name
    if name.startswith(_WEIGHTS):
        _print_all_weights(name)
        return
    if name.startswith(_RECIPES):
        _print_recipe(name.removeprefix(_RECIPES))
        return
    try:
        plugin = find_plugin(name)
    except UnknownPlugin as error:
        if name in recipes():
            _print_recipe(name)
            return
        near = near_misses(name, [card.stem for card, _ in cards()])
        if near and not _weights(name):
            raise UnknownPlugin(f'There are neither plugins nor weights "{name}".{near}') from error
        if not _weights(name):
            raise
        _print_all_weights(name)
    else:
        _print_plugin(plugin)


def _print_plugin(plugin: Plugin) -> None:
    part = plugin.load()
    found = manual(part)
    _print_table([*_origin(plugin), *_values(part)])
    for text in filter(None, (found.summary, found.text)):
        print(f"\n{printable(text)}")
    _print_arguments(found)


def _print_recipe(name: str) -> None:
    path = find_recipe(name)
    _print_table([("name", _RECIPES + name), ("file", str(path))])
    print(f"\n{printable(path.read_text(encoding='utf-8', errors='replace').rstrip())}")


def _weights(name: str) -> list[InstalledWeights]:
    """Return the weights of this name, from each distribution that has them."""
    distribution, _, model = name.removeprefix(_WEIGHTS).rpartition(":")
    return [
        read_card(card, offer.distribution)
        for card, offer in cards()
        if card.stem == model and canonical(distribution) in ("", canonical(offer.distribution))
    ]


def _print_all_weights(name: str) -> None:
    found = _weights(name)
    if not found:
        near = did_you_mean(name, [_WEIGHTS + card.stem for card, _ in cards()])
        raise BadArgument(f'There are no weights "{name}".{near}')
    for number, weights in enumerate(found):
        print(end="\n" if number else "")
        _print_weights(weights)


def _print_weights(weights: InstalledWeights) -> None:
    state = f"needs {weights.holder}: {weights.missing}" if weights.missing else str(weights.path())
    rows = [
        ("name", _WEIGHTS + weights.model),
        ("distribution", weights.provider),
        ("about", weights.about),
        ("file", state),
        ("sha256", weights.sha256),
        ("card", str(weights.card)),
        ("use", f"weights: {INSTALLED}:{weights.provider}"),
    ]
    _print_table(rows)


def _origin(plugin: Plugin) -> list[tuple[str, str]]:
    family = find_family(plugin.family)
    return [
        ("name", f"{plugin.family}/{plugin.name}"),
        ("distribution", f"{plugin.distribution} {plugin.version}"),
        ("class", plugin.class_path),
        ("contract", f"{family.module}.{family.contract}, version {plugin.contract_version}"),
    ]


def _values(part: type[Any]) -> Iterator[tuple[str, str]]:
    """Yield a row with the further values of a metric, where its class says which there are."""
    directions = getattr(part, "directions", None)  # of `NamedValues`, which would take torch to import
    if isinstance(directions, Mapping):
        named = [f"{name} ({'higher' if up else 'lower'} is better)" for name, up in directions.items()]
        yield "values", ", ".join(named)


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
