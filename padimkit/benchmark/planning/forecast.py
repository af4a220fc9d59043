"""The memory that the densities of a cell will take, and the embeddings they get, before it runs."""

import json
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, replace
from math import ceil
from typing import TypeAlias, final

import torch
from jaxtyping import Float
from jsonargparse import Namespace
from torch import Tensor

from padimkit.benchmark.cell import EMBEDDINGS, Planned
from padimkit.benchmark.drawn import LEVEL, Drawn
from padimkit.benchmark.seeds import without_seeds
from padimkit.config.build import instantiate, instantiate_learners
from padimkit.contracts import Backbone, DensityModel, MemoryForecast, NeedsWeights, Reducer
from padimkit.errors import BadArgument, BadConfig, PadimkitError
from padimkit.pipeline.pipeline import Pipeline
from padimkit.pipeline.tiling import Tiling
from padimkit.values import Embedding

Size: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Forecast:
    """What is known of a cell before it runs.

    Args:
        bytes: The most that its densities will hold; None if a part cannot say.
        refusal: Why the method does not take a random image, as it may one of the data; empty if it does.
    """

    bytes: int | None = None
    refusal: str = ""


_PATCHES = 4096  # a reducer may need this many


@final
class Forecasts:
    """Forecasts of the memory of cells; those that differ in seeds, or in data of one size, share one."""

    def __init__(self) -> None:
        self._sizes: dict[str, Size | None] = {}
        self._known: dict[tuple[object, ...], Forecast] = {}

    def of(self, planned: Planned) -> Forecast:
        """Return the forecast of a cell.

        One random image goes through the pipeline; its weights do not matter and are not read.

        Raises:
            BadConfig: The method cannot be fitted, such as one that keeps more channels than there are.
        """
        if planned.cell.of_embeddings:
            return _of_drawn(planned)
        pipeline = json.dumps(without_seeds(planned.cell.settings["pipeline"]), sort_keys=True)
        if pipeline in self._sizes:
            known = self._key(pipeline, planned)
            if known in self._known:
                return self._known[known]
        made = instantiate(planned.cell.settings)
        self._sizes[pipeline] = made.pipeline.preprocessing.size
        found = self._known[self._key(pipeline, planned)] = _of_images(made, planned)
        return found

    def _key(self, pipeline: str, planned: Planned) -> tuple[object, ...]:
        """Return what decides the bytes: of the data their number, and their size if that is not set."""
        counts = planned.cell.train_images, planned.facts.train_images, planned.cell.settings["device"]
        place = None if self._sizes[pipeline] else json.dumps(planned.cell.settings["data"], sort_keys=True)
        return (pipeline, *counts, place)

    def require_fitting(self, planned: Iterable[Planned]) -> None:
        """Raise BadConfig if a method cannot be fitted, as one that keeps more channels than there are."""
        seen = set()
        for one in planned:
            variant = (one.cell.method, *one.cell.varied.items())
            if variant not in seen:
                seen.add(variant)
                self.of(one)


def _of_images(made: Namespace, planned: Planned) -> Forecast:
    pipeline: Pipeline = made.pipeline
    _go_without_weights(pipeline.backbone)
    try:
        count = planned.cell.train_images or pipeline.augmentation.variants_of(planned.facts.train_images)
        size = pipeline.preprocessing.size or _size_of_first(made)
        tiling = Tiling.of(pipeline.preprocessing.tiles, size, planned.cell.title)
        blank = blank_embeddings(pipeline, tiling.size)
        if not issubclass(type(pipeline.density), MemoryForecast):
            return Forecast()
        return Forecast(sum(_predicted(one, pipeline.density, count, tiling.count) for one in blank))
    except BadArgument as error:
        raise BadConfig(f'"{planned.cell.title}" cannot be fitted: {error}') from error
    except PadimkitError as error:
        return Forecast(refusal=str(error))


def _of_drawn(planned: Planned) -> Forecast:
    """Return the forecast of a density over drawn embeddings, of which one image is tried."""
    reducer, density = instantiate_learners(planned.cell.settings)
    if not isinstance(density, MemoryForecast):
        return Forecast()
    drawn = Drawn(**planned.cell.settings[EMBEDDINGS])
    few = replace(drawn, images=ceil(_PATCHES / drawn.positions))
    stream = few.stream(planned.cell.seed, few.images).map(lambda levels: levels[LEVEL].embedding())
    try:
        reducer.fit(stream)
        channels = reducer.transform(next(iter(stream))).patches.shape[1]
        most = density.peak_bytes(images=drawn.images, channels=channels, positions=drawn.positions)
        return Forecast(most)
    except BadArgument as error:
        raise BadConfig(f'"{planned.cell.title}" cannot be fitted: {error}') from error
    except PadimkitError as error:
        return Forecast(refusal=str(error))


def blank_embeddings(pipeline: Pipeline, size: tuple[int, int]) -> list[Embedding]:
    """Return the embeddings that the densities get for one random image; the pipeline stays unfitted.

    Args:
        pipeline: One whose weights do not matter.
        size: Height and width of the image in pixels.

    Raises:
        BadArgument: The reducer cannot be fitted, such as one that keeps more channels than there are.
        BadWeights: The weights of the backbone are missing.
    """
    generator = torch.Generator().manual_seed(0)
    given = aligned_of(pipeline, torch.rand(1, 3, *size, generator=generator))
    return [reduced(embedding, pipeline.reducer) for embedding in given]


def aligned_of(pipeline: Pipeline, images: Float[Tensor, "b 3 H W"]) -> list[Embedding]:
    """Return the embeddings that the reducers get for images.

    Raises:
        BadWeights: The weights of the backbone are missing.
    """
    with torch.no_grad():
        features = pipeline.backbone.extract(images.to(pipeline.device))
    return [pyramid.embedding() for pyramid in pipeline.levels.split(features).values()]


def reduced(embedding: Embedding, reducer: Reducer) -> Embedding:
    """Return the embedding after a copy of the reducer that learns from it alone; the reducer stays as it is.

    Raises:
        BadArgument: The reducer cannot be fitted, such as one that keeps more channels than there are.
    """
    learner = deepcopy(reducer)
    learner.fit([embedding] * ceil(_PATCHES / embedding.patches[0, 0].numel()))
    return learner.transform(embedding)


def _size_of_first(made: Namespace) -> tuple[int, int]:
    """Return the size of the first training image as the model sees it; all have the same."""
    sample = made.data.train()[0]
    picture = sample.open(sample.path)
    size: tuple[int, int] = made.pipeline.preprocessing.geometry((picture.height, picture.width)).size
    return size


def _go_without_weights(backbone: Backbone) -> None:
    if isinstance(backbone, NeedsWeights):
        backbone.go_without_weights()


def _predicted(embedding: Embedding, density: DensityModel, count: int, tiles: int) -> int:
    assert isinstance(density, MemoryForecast)
    channels, height, width = embedding.patches.shape[1:]
    return density.peak_bytes(images=count, channels=channels, positions=tiles * height * width)
