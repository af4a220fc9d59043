"""The methods of a suite as settings, one variant for each combination of a grid."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from padimkit.benchmark.drawn import Drawn
from padimkit.benchmark.planning.entries import Data, Method
from padimkit.config.class_paths import texts_of
from padimkit.config.commands import EVALUATE
from padimkit.errors import BadConfig, did_you_mean
from padimkit.registry.recipes import find_recipe, is_installed_recipe

_RESOLUTION = ("preprocessing.resize", "preprocessing.crop")


@dataclass(frozen=True)
class Variant:
    """A method with all its values.

    Args:
        name: Its name in tables.
        settings: As a settings file holds them.
        overrides: Values by key within the pipeline; they win over those in `settings`.
        train_images: Number of training images; None for all.
        varied: The value that a complexity study varies here, by its name.
        known: The texts of its recipe, which may name classes, if it is installed.
        seeds: Its own in place of the suite's; none for those.
    """

    name: str
    settings: dict[str, Any]
    overrides: dict[str, Any]
    train_images: int | None = None
    varied: dict[str, float] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    seeds: tuple[int, ...] = ()

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells it from all others of a suite, which refuses two of one name."""
        return (self.name, *self.varied.items())


@dataclass(frozen=True)
class Place:
    """The data of one category.

    Args:
        dataset: The name of the data set.
        category: The values of the grid, empty if there is none.
        settings: As `data` takes them.
        seeded: True if the seed of a cell is the data set's too.
        group: The group of categories that it is in; empty for none.
    """

    dataset: str
    category: str
    settings: dict[str, Any]
    seeded: bool
    group: str = ""


def variants_of(
    method: Method, vary: Mapping[str, Sequence[float]], train_images: int | None, *, trust: bool
) -> Iterator[Variant]:
    """Yield a variant for each combination of the method's grid, and of these for each value that is varied.

    Args:
        method: An entry of the suite.
        vary: Values to vary, unless the entry has its own.
        train_images: Number of training images, unless the entry has its own.
        trust: Import classes that the file of a recipe names and that are not installed plugins.

    Raises:
        BadConfig: It has neither recipe nor pipeline, or both, or its name holds an unknown key of the grid.
    """
    count = train_images if method.train_images is None else method.train_images
    for variant in _combined(method, trust=trust):
        fixed = replace(variant, train_images=count)
        if not (method.vary or vary):
            yield fixed
        for name, values in (method.vary or vary).items():
            yield from (_varied(fixed, name, value) for value in values)


def places_of(data: Data) -> Iterator[Place]:
    """Yield a place for each combination of the data's grid, of which `categories` is a part."""
    grid: dict[str, list[Any]] = {"category": list(data.groups or data.categories)} | data.grid
    grid = {name: values for name, values in grid.items() if values}
    for values in _combinations(grid):
        settings = {"class_path": data.class_path, "init_args": data.init_args | values}
        if data.part != "whole":
            settings = {"class_path": "held_out", "init_args": {"data": settings, "part": data.part}}
        category = " ".join(str(value) for value in values.values()) or str(
            data.init_args.get("category", "")
        )
        group = data.groups.get(str(values.get("category", "")), "")
        yield Place(data.title, category, settings, data.seeded, group)


def drawn_of(variant: Variant, drawn: Drawn | None) -> tuple[Drawn, dict[str, Any]]:
    """Return the embeddings of a variant, and its overrides of the pipeline without those of embeddings.

    Raises:
        BadArgument: A value of the embeddings is out of range.
    """
    names = [field.name for field in fields(Drawn)]
    own = {name: value for name, value in variant.overrides.items() if name in names}
    found = replace(drawn or Drawn(), **own)
    found.require_sound()
    return found, {name: value for name, value in variant.overrides.items() if name not in own}


def title(method: Method) -> str:
    """Return the name of an entry of the file without the values of its grid."""
    return method.name or (Path(method.recipe).stem if method.recipe.endswith(".yaml") else method.recipe)


def _combined(method: Method, *, trust: bool) -> Iterator[Variant]:
    if bool(method.recipe) == (method.pipeline is not None):
        raise BadConfig(f'"{title(method)}" needs either "recipe" or "pipeline".')
    settings: dict[str, Any] = {"pipeline": method.pipeline}
    known: frozenset[str] = frozenset()
    if method.recipe:
        path = find_recipe(method.recipe)
        settings = EVALUATE.file(path, trust=trust)
        # Of a file, not even these: its texts may name classes where they were not taken for any.
        known = texts_of(settings) if is_installed_recipe(path) else known
    for values in _combinations(method.grid):
        yield Variant(
            _named(method, values),
            settings,
            method.set | values,
            known=known,
            seeds=tuple(method.seeds or ()),
        )


def _varied(variant: Variant, name: str, value: float) -> Variant:
    """Return the variant with one value of a complexity study."""
    number = int(value) if value == int(value) else value
    if name == "train_images":
        return replace(variant, train_images=int(value), varied={name: value})
    keys = _RESOLUTION if name == "resolution" else (name,)
    overrides = variant.overrides | dict.fromkeys(keys, number)
    return replace(variant, overrides=overrides, varied={name: value})


def _combinations(grid: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for values in product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def _named(method: Method, values: Mapping[str, Any]) -> str:
    name = title(method)
    if "{" not in name:
        return ", ".join(filter(None, [name, *(f"{key} {value}" for key, value in values.items())]))
    for key in re.findall(r"\{([^}]*)\}", name):
        if key not in values:
            raise BadConfig(
                f'The name "{name}" holds "{key}", which is not a key of its grid.{did_you_mean(key, values)}'
            )
    return re.sub(r"\{([^}]*)\}", lambda found: str(values[found[1]]), name)
