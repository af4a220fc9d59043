"""The growth of a cell's costs that theory expects, by the names that its record has for them.

It stands alone because it is arithmetic on what contracts say; nothing is measured here.
"""

from collections.abc import Mapping

from padimkit.benchmark.planning.forecast import blank_embeddings
from padimkit.benchmark.record import (
    DENSITY_FIT,
    DISK,
    FIT,
    FITTED,
    MODEL,
    PEAK_FIT,
    PREDICT,
    SCORE,
    Expectation,
)
from padimkit.contracts import ExpectedGrowth
from padimkit.errors import PadimkitError
from padimkit.images.resizing import square
from padimkit.pipeline.pipeline import Pipeline
from padimkit.values import Growth, Theory

_ANY_SIZE = (256, 256)  # the number of channels does not depend on it


def expected_growth(pipeline: Pipeline, varied: Mapping[str, float]) -> dict[str, dict[str, Expectation]]:
    """Return exponents by what is varied and by the name of a cost; nothing where the density has no theory.

    Args:
        pipeline: The pipeline that the theory is about.
        varied: Values by name, as in a record: train_images, resolution, or a key below `pipeline`.
    """
    density = pipeline.density
    if not isinstance(density, ExpectedGrowth):
        return {}
    theory = density.expected_growth()
    return {
        name: _by_cost(growth)
        for name, value in varied.items()
        if (growth := _growth(theory, pipeline, name, value)) is not None
    }


def _growth(theory: Theory, pipeline: Pipeline, name: str, value: float) -> Growth | None:
    part, argument = name.partition(".")[0], name.rpartition(".")[2]
    if name == "train_images":
        return theory.images
    if name == "resolution":
        return theory.side
    if part == "density":
        return theory.arguments.get(argument)
    return theory.channels if part == "reducer" and _is_channels(value, pipeline) else None


def _is_channels(value: float, pipeline: Pipeline) -> bool:
    """Return whether the density gets this many channels, so that the argument is their number."""
    try:
        tiles, size = pipeline.preprocessing.tiles, pipeline.preprocessing.size or _ANY_SIZE
        embeddings = blank_embeddings(pipeline, square(tiles.size) if tiles else size)
    except PadimkitError:
        return False
    return {embedding.patches.shape[1] for embedding in embeddings} == {value}


def _by_cost(growth: Growth) -> dict[str, Expectation]:
    found = {
        FIT: growth.fit,
        DENSITY_FIT: growth.fit,
        PREDICT: growth.predict,
        SCORE: growth.score,
        PEAK_FIT: growth.fit_memory,
        MODEL: growth.model,
        FITTED: growth.model,
        DISK: growth.model,
    }
    return {name: Expectation(*map(float, known)) for name, known in found.items() if known is not None}
