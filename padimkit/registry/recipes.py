"""Recipes by name, those of padimkit and those of plugins, found without importing anything."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from padimkit.errors import BadConfig, did_you_mean
from padimkit.files.packages import Offer, canonical, offered_files, offers
from padimkit.registry.published import to_install

DEFAULT_RECIPE = "padim-lite0"  # needs nothing but what pip has installed
_OWN = "padimkit"
GROUP = "padimkit.recipes"  # each entry point names a package, whose YAML files are recipes


def recipes() -> dict[str, Path]:
    """Return all installed recipes by name, or by `distribution:name` where others have the same name.

    Those of padimkit keep their names.
    """
    found = sorted(_found(), key=lambda pair: (pair[1].stem, pair[0]))
    stems = Counter(path.stem for _, path in found)
    return {
        path.stem if stems[path.stem] == 1 or distribution == _OWN else f"{distribution}:{path.stem}": path
        for distribution, path in found
    }


def find_recipe(recipe: str) -> Path:
    """Return the file of a recipe given by name or by path.

    Raises:
        BadConfig: There is none, or there are several; near misses are named.
    """
    known = recipes()
    if recipe in known:
        return known[recipe]
    for distribution, path in _found():
        if path.stem == recipe.rpartition(":")[2] and _names(recipe, distribution):
            return path
    several = [name for name in known if name.endswith(f":{recipe}")]
    if several:
        raise BadConfig(f'"{recipe}" is a recipe of several distributions. Use {" or ".join(several)}.')
    file = Path(recipe).expanduser()
    if file.is_file():
        return file
    hint = to_install(recipe) or did_you_mean(recipe, known)
    raise BadConfig(f'"{recipe}" is neither a recipe nor a file.{hint}')


def is_installed_recipe(path: Path) -> bool:
    """Return whether this is the file of an installed recipe: who installs a distribution trusts it."""
    return any(path == known for _, known in _found())


def recipes_by_distribution() -> dict[str, list[str]]:
    """Return the recipes that each distribution provides, by the names that they have there."""
    found: dict[str, list[str]] = {}
    for distribution, path in sorted(_found(), key=lambda pair: (pair[0], pair[1].stem)):
        found.setdefault(distribution, []).append(path.stem)
    return found


def empty_offers() -> list[Offer]:
    """Return the offers of recipes without a recipe, such as those of a package that is not there."""
    return sorted((offer for offer in offers(GROUP) if not offer.files), key=lambda one: one.distribution)


def _names(recipe: str, distribution: str) -> bool:
    """Return whether `distribution:name` names this distribution, in any spelling."""
    given = recipe.rpartition(":")[0]
    return bool(given) and canonical(given) == canonical(distribution)


def _found() -> Iterator[tuple[str, Path]]:
    return ((offer.distribution, path) for path, offer in offered_files(GROUP))
