"""The fit of reducers and densities on streams of embeddings, in as few passes as they need.

It stands apart from what has been learnt, which also scores, merges and is stored.
"""

from operator import itemgetter
from typing import TypeVar

from torch import Tensor

from padimkit.contracts import DensityModel, PyramidLearner, Reducer, Updatable
from padimkit.stages import EMBEDDING, stage
from padimkit.values import Embedding, Pyramid, Stream

Pyramids = dict[str, Pyramid]
Embeddings = dict[str, Embedding]
Shares = dict[str, Tensor | None]  # of the pixels of each position, by level
Part = TypeVar("Part", Reducer, DensityModel)


def fit_reducers(reducers: dict[str, Reducer], stream: Stream[Pyramids]) -> None:
    """Fit each reducer; one that is alone learns from layers that are not aligned, if it can."""
    (name, reducer), *others = reducers.items()
    if not others and isinstance(reducer, PyramidLearner):
        reducer.fit_pyramids(stream.map(itemgetter(name)))
    else:
        fit_parts(reducers, stream.map(_aligned))


def fit_parts(parts: dict[str, Part], stream: Stream[Embeddings]) -> None:
    """Fit each part, in one pass if all can be updated, since each pass runs the backbone again."""
    if len(parts) > 1 and all(isinstance(part, Updatable) for part in parts.values()):
        for index, embeddings in enumerate(stream):
            for name, embedding in embeddings.items():
                learn = parts[name].fit if index == 0 else updatable(parts[name]).update
                learn([embedding])
        return
    for name, part in parts.items():
        part.fit(stream.map(itemgetter(name)))


def updatable(part: Reducer | DensityModel) -> Updatable:
    """Return the part, which is known to be updatable."""
    assert isinstance(part, Updatable)
    return part


def _aligned(pyramids: Pyramids) -> Embeddings:
    with stage(EMBEDDING):
        return {name: pyramid.embedding() for name, pyramid in pyramids.items()}
