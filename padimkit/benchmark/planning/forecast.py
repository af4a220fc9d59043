"""What a cell's densities will take, before it runs."""

from collections.abc import Iterable
from copy import deepcopy
from math import ceil
from typing import Any

import torch

from padimkit.benchmark.planning.suite import Planned
from padimkit.config.build import instantiate
from padimkit.contracts import DensityModel, MemoryForecast, Reducer
from padimkit.errors import BadArgument, BadConfig, PadimkitError
from padimkit.pipeline.pipeline import Pipeline
from padimkit.values import Pyramid

_PATCHES = 4096  # which a reducer may want at least


def peak_bytes(planned: Planned) -> int | None:
    """The most bytes that the densities of a cell will hold; None where a part cannot say.

    One blank image goes through the pipeline, whose weights do not matter and are not read.
    """
    settings = planned.cell.settings
    if not issubclass(type(instantiate(settings).pipeline.density), MemoryForecast):
        return None
    try:
        pipeline = instantiate(settings | {"pipeline": _without_weights(settings["pipeline"])}).pipeline
        pyramids = _blank(pipeline)
        count = planned.cell.train_images or pipeline.augmentation.variants_of(planned.facts.train_images)
        return sum(_predicted(pyramid, pipeline, count) for pyramid in pyramids.values())
    except BadArgument as error:
        raise BadConfig(f'"{planned.cell.title}" cannot be fitted: {error}') from error
    except PadimkitError:
        return None


def require_fitting(planned: Iterable[Planned]) -> None:
    """Raises BadConfig where a method cannot be fitted, as by more channels to keep than there are."""
    seen = set()
    for one in planned:
        variant = (one.cell.method, *one.cell.varied.items())
        if variant not in seen:
            seen.add(variant)
            peak_bytes(one)


def _without_weights(pipeline: dict[str, Any]) -> dict[str, Any]:
    backbone = pipeline["backbone"]
    arguments = backbone.get("init_args", {})
    if "weights" not in arguments:
        return pipeline
    return pipeline | {"backbone": backbone | {"init_args": arguments | {"weights": "none"}}}


def _blank(pipeline: Pipeline) -> dict[str, Pyramid]:
    side = pipeline.preprocessing.crop
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        features = pipeline.backbone.extract(torch.rand(1, 3, side, side, generator=generator))
    return pipeline.levels.split(features)


def _predicted(pyramid: Pyramid, pipeline: Pipeline, count: int) -> int:
    density: DensityModel = pipeline.density
    assert isinstance(density, MemoryForecast)
    embedding = _reducer_of(pipeline, pyramid).transform(pyramid.embedding())
    channels, height, width = embedding.patches.shape[1:]
    return density.peak_bytes(images=count, channels=channels, positions=height * width)


def _reducer_of(pipeline: Pipeline, pyramid: Pyramid) -> Reducer:
    reducer = deepcopy(pipeline.reducer)
    embedding = pyramid.embedding()
    reducer.fit([embedding] * ceil(_PATCHES / embedding.patches[0, 0].numel()))
    return reducer
