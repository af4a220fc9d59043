"""No number that an argument takes is without bounds: 1e30 scales would run for ever."""

import inspect
from pathlib import Path

import pytest
from sklearn.decomposition import PCA

from padimkit import Augmentation, Preprocessing, Scale, ShortSide, Tiles
from padimkit.errors import BadArgument
from padimkit.images.reader import Reader
from padimkit.registry.families import FAMILIES
from padimkit.registry.registry import Registry

GIVEN = {
    "keep": 3,
    "estimator": PCA(2),
    "normal": Path("normal"),
    "root": Path("root"),
    "category": "texture",
    "data": None,
    "part": "search",
    "transforms": ("RandomHorizontalFlip()",),
}
# Choices, points, and what is compared with the channels, the scenes and the images that there are.
UNBOUNDED = {"precision", "bits", "keep", "scene", "roi", "corners"}
OF_OTHERS = {"timm", "torch_module", "torchmetrics"}  # which need a network or a metric
LARGE = 10**30


def _classes():
    for family in FAMILIES:
        for plugin in Registry(family.plural).plugins():
            if plugin.distribution.startswith("padimkit") and plugin.name not in (
                "timm",
                "torch_module",
                "torchmetrics",
            ):
                yield plugin.load()
    yield from (Augmentation, Preprocessing, Reader)


def _numbers():
    for part in _classes():
        for name, parameter in inspect.signature(part).parameters.items():
            if name not in UNBOUNDED and (
                "int" in str(parameter.annotation) or "float" in str(parameter.annotation)
            ):
                yield pytest.param(part, name, id=f"{part.__name__}-{name}")


@pytest.mark.parametrize(("part", "name"), list(_numbers()))
def test_numbers_far_out_of_range_are_refused_at_once(part, name):
    needed = {key: value for key, value in GIVEN.items() if key in inspect.signature(part).parameters}
    whole = "int" in str(inspect.signature(part).parameters[name].annotation)
    values = (-LARGE,) if name == "memory_budget" else (LARGE, -LARGE)  # which may be boundless
    for value in values if whole else [*map(float, values), float("nan")]:
        with pytest.raises(BadArgument, match=name):
            part(**needed | {name: value})


@pytest.mark.parametrize(
    "arguments",
    [
        {"resize": ShortSide(LARGE)},
        {"resize": Scale(1e30)},
        {"resize": None, "crop": None, "tiles": Tiles(LARGE)},
        {"resize": LARGE, "crop": None},
        {"resize": (8, LARGE), "crop": 8},
    ],
)
def test_sizes_far_out_of_range_are_refused_at_once(arguments):
    with pytest.raises(BadArgument, match="of at most"):
        Preprocessing(**arguments)
