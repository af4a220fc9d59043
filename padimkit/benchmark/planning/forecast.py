"""The memory that the densities of a cell will take, and the embeddings they get, before it runs."""

from collections.abc import Iterable
from copy import deepcopy
from math import ceil

import torch
from jsonargparse import Namespace

from padimkit.benchmark.planning.suite import Planned
from padimkit.config.build import instantiate
from padimkit.contracts import Backbone, DensityModel, MemoryForecast, NeedsWeights, Reducer
from padimkit.errors import BadArgument, BadConfig, PadimkitError
from padimkit.pipeline.pipeline import Pipeline
from padimkit.pipeline.tiling import Tiling
from padimkit.values import Embedding, Pyramid

_PATCHES = 4096  # a reducer may need this many


def peak_bytes(planned: Planned) -> int | None:
    """Return the most bytes that the densities of a cell will hold; None if a part cannot say.

    One random image goes through the pipeline; its weights do not matter and are not read.
    """
    made = instantiate(planned.cell.settings)
    pipeline: Pipeline = made.pipeline
    if not issubclass(type(pipeline.density), MemoryForecast):
        return None
    _go_without_weights(pipeline.backbone)
    try:
        count = planned.cell.train_images or pipeline.augmentation.variants_of(planned.facts.train_images)
        size = pipeline.preprocessing.size or _size_of_first(made)
        tiling = Tiling.of(pipeline.preprocessing.tiles, size, planned.cell.title)
        blank = blank_embeddings(pipeline, tiling.size)
        return sum(_predicted(one, pipeline.density, count, tiling.count) for one in blank)
    except BadArgument as error:
        raise BadConfig(f'"{planned.cell.title}" cannot be fitted: {error}') from error
    except PadimkitError:
        return None


def require_fitting(planned: Iterable[Planned]) -> None:
    """Raise BadConfig if a method cannot be fitted, such as one that keeps more channels than there are."""
    seen = set()
    for one in planned:
        variant = (one.cell.method, *one.cell.varied.items())
        if variant not in seen:
            seen.add(variant)
            peak_bytes(one)


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
    image = torch.rand(1, 3, *size, generator=generator).to(pipeline.device)
    with torch.no_grad():
        features = pipeline.backbone.extract(image)
    pyramids = pipeline.levels.split(features).values()
    return [_reduced(pyramid, deepcopy(pipeline.reducer)) for pyramid in pyramids]


def _size_of_first(made: Namespace) -> tuple[int, int]:
    """Return the size of the first training image as the model sees it; all have the same."""
    sample = made.data.train()[0]
    picture = sample.open(sample.path)
    size: tuple[int, int] = made.pipeline.preprocessing.geometry((picture.height, picture.width)).size
    return size


def _reduced(pyramid: Pyramid, reducer: Reducer) -> Embedding:
    embedding = pyramid.embedding()
    reducer.fit([embedding] * ceil(_PATCHES / embedding.patches[0, 0].numel()))
    return reducer.transform(embedding)


def _go_without_weights(backbone: Backbone) -> None:
    if isinstance(backbone, NeedsWeights):
        backbone.go_without_weights()


def _predicted(embedding: Embedding, density: DensityModel, count: int, tiles: int) -> int:
    assert isinstance(density, MemoryForecast)
    channels, height, width = embedding.patches.shape[1:]
    return density.peak_bytes(images=count, channels=channels, positions=tiles * height * width)
