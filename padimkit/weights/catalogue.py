"""The weights that installed packages offer over entry points; nothing of these packages is executed.

Apart from the cards, which are read one by one: this looks for them in all distributions.
"""

from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from padimkit.errors import BadWeights
from padimkit.weights.card import read_card
from padimkit.weights.weights import InstalledWeights

GROUP = "padimkit.weights"  # each entry point names a package, whose YAML files are cards
INSTALLED = "installed"  # the word by which a backbone asks for weights from here


def cards() -> list[tuple[Path, str]]:
    """Return the cards of all packages, in the order of their models, with the distributions of the cards."""
    found = [
        (card, entry.dist.metadata["Name"] if entry.dist else "unknown")
        for entry in entry_points(group=GROUP)
        for folder in _folders(entry)
        for card in folder.glob("*.yaml")
    ]
    return sorted(found, key=lambda pair: (pair[0].stem, pair[1]))


def find_weights(model: str, wanted: str = INSTALLED) -> InstalledWeights:
    """Return the weights of a model of timm, given with or without its tag ("resnet18.tv_in1k").

    Args:
        model: The name of the model.
        wanted: "installed", or "installed:DISTRIBUTION" where several have them.

    Raises:
        BadWeights: No distribution has weights of the model, or several have, or the card is wrong.
    """
    provider = wanted.removeprefix(INSTALLED).removeprefix(":")
    for name in (model, model.split(".")[0]):
        found = [pair for pair in cards() if pair[0].stem == name and provider in ("", pair[1])]
        if len(found) > 1:
            choices = " or ".join(f'"{INSTALLED}:{distribution}"' for _, distribution in found)
            raise BadWeights(f'Several distributions have weights of "{model}". Use {choices}.')
        if found:
            return read_card(*found[0])
    raise BadWeights(f"{_absent(model, provider)} {_others(model)}")


def _absent(model: str, provider: str) -> str:
    if provider:
        return f'The distribution "{provider}" has no weights of "{model}".'
    return f'No installed package has weights of "{model}".'


def _others(model: str) -> str:
    known = ", ".join(f'"{card.stem}" ({provider})' for card, provider in cards())
    return (
        f"There are those of {known or 'no model'}. Other weights: "
        f'"hub" downloads them, the path of a file reads them, "none" draws random ones.'
    )


def _folders(entry: EntryPoint) -> Iterator[Path]:
    """Yield the folders of the package that an entry point names; importlib.resources would import it."""
    top, *below = entry.module.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return
    yield from (Path(folder, *below) for folder in (spec.submodule_search_locations or () if spec else ()))
