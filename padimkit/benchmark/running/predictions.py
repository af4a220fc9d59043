"""The costs that formulas predict for a cell, by the names that its record has for them.

It stands alone because it is arithmetic on what contracts say; nothing is measured here.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jaxtyping import Float
from torch import Tensor

from padimkit.benchmark.planning.forecast import aligned_of, reduced
from padimkit.benchmark.record import (
    DENSITY_FIT,
    EMBEDDING,
    FIT,
    FITTED,
    HELD,
    PREPARE,
    REDUCER_FIT,
    SCORE,
    of_batch,
)
from padimkit.contracts import CostModel, DensityModel, Reducer
from padimkit.errors import PadimkitError
from padimkit.images.resizing import square
from padimkit.pipeline.pipeline import Pipeline
from padimkit.pipeline.tiling import Tiling
from padimkit.values import Costs, Problem


def predictions(
    reducer: Reducer,
    density: DensityModel,
    problem: Problem,
    *,
    channels: int,
    rates: Mapping[str, float],
) -> dict[str, Any]:
    """Return the fields of a record: seconds and bytes that are predicted, and the form of the density.

    Both are of the parts that are `CostModel`, and empty if the density is not; sums need both.

    Args:
        reducer: Of the pipeline.
        density: Of the pipeline.
        problem: The sizes that the reducer is given.
        channels: The number that is left by the reducer.
        rates: Operations and bytes in a second; without them no seconds are predicted.
    """
    if not isinstance(density, CostModel):
        return {}

    def predicted(given: Problem, left: Problem) -> dict[str, float]:
        costs = density.costs(left)
        found = _of_density(costs, rates)
        if isinstance(reducer, CostModel):
            found |= _of_both(reducer.costs(given), costs, found, given.images, rates)
        return found

    left = replace(problem, channels=channels)
    far = {name: predicted(_far(problem, name), _far(left, name)) for name in _CONTINUED}
    return {"predicted": predicted(problem, left), "far_predicted": far} | _forms(density, left)


def predicted_of_images(
    pipeline: Pipeline, seen: Float[Tensor, "b 3 H W"], *, count: int, rates: Mapping[str, float]
) -> dict[str, Any]:
    """Return the same fields for the density of a pipeline with a backbone, whose costs no formula has.

    Bytes that are stored are those of reducer and density, as they are measured, and missing where the
    reducer has no formulas. Empty for several levels, and for a pipeline that cannot be tried on an image.

    Args:
        pipeline: The pipeline.
        seen: A few of the images that it learns from, of which the mean variance of a channel is taken.
        count: The number of images that it learns from.
        rates: Operations and bytes in a second; without them no seconds are predicted.
    """
    size = pipeline.preprocessing.size
    density = pipeline.density
    if size is None or not isinstance(density, CostModel):
        return {}
    try:
        tiles = pipeline.preprocessing.tiles
        height, width = square(tiles.size) if tiles else size
        given = aligned_of(pipeline, seen[:, :, :height, :width])
        found = [reduced(embedding, pipeline.reducer) for embedding in given]
        tiled = Tiling.of(tiles, size, "the image").count
    except PadimkitError:
        return {}
    if len(found) != 1:
        return {}
    patches, descriptor = found[0].patches, found[0].descriptor
    problem = Problem(
        images=count,
        channels=patches.shape[1],
        positions=tiled * patches.shape[2] * patches.shape[3],
        descriptor=0 if descriptor is None else descriptor.shape[1],
        variance=float(patches.var(0).mean()),
    )

    def predicted(left: Problem) -> dict[str, float]:
        found = _of_density(density.costs(left), rates)
        stored = found.pop(FITTED)
        if not isinstance(pipeline.reducer, CostModel):
            return found
        whole = replace(left, channels=given[0].patches.shape[1])
        return found | {FITTED: stored + float(pipeline.reducer.costs(whole).stored)}

    far = {name: predicted(_far(problem, name)) for name in _CONTINUED}
    return {"predicted": predicted(problem), "far_predicted": far} | _forms(density, problem)


_CONTINUED = ("images", "channels", "positions")  # to a billion of these a report continues lines


def _far(problem: Problem, name: str) -> Problem:
    return replace(problem, **{name: 10**9})


def _forms(density: CostModel, problem: Problem) -> dict[str, Any]:
    """Return the form at this size, and at sizes to which a report continues lines."""
    far = {name: density.costs(_far(problem, name)).form for name in _CONTINUED}
    return {"form": density.costs(problem).form, "far_forms": far}


def _of_density(costs: Costs, rates: Mapping[str, float]) -> dict[str, float]:
    found = {FITTED: float(costs.stored)}
    if rates:
        works = {DENSITY_FIT: costs.fit, PREPARE: costs.prepare, of_batch(SCORE, 1): costs.use}
        found |= {name: work.seconds(**rates) for name, work in works.items()}
    return found


def _of_both(
    reducing: Costs, costs: Costs, found: Mapping[str, float], images: int, rates: Mapping[str, float]
) -> dict[str, float]:
    sums = {HELD: float(reducing.held + costs.held), FITTED: float(reducing.stored + costs.stored)}
    if not rates:
        return sums
    fit, prepare, use = (work.seconds(**rates) for work in (reducing.fit, reducing.prepare, reducing.use))
    learning = fit + prepare + images * use + found[DENSITY_FIT] + found[PREPARE]
    return sums | {REDUCER_FIT: fit, EMBEDDING: use, FIT: learning}
