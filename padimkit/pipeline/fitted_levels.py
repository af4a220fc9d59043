"""The learnt state of a pipeline: a fitted reducer and density for each embedding of the levels."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import final

import torch

from padimkit.arguments.stored_state import require_state
from padimkit.contracts import (
    DensityModel,
    Exportable,
    LearnsAnomalies,
    LeaveOneOut,
    LinearReducer,
    Mergeable,
    Prepares,
    PyramidDensity,
    PyramidReducer,
    Reducer,
    Updatable,
)
from padimkit.errors import BadArgument, BadModel, CannotMerge, PadimkitError
from padimkit.pipeline.checks import as_exportable
from padimkit.pipeline.learning import Embeddings, Pyramids, Shares, fit_parts, fit_reducers, updatable
from padimkit.pipeline.states import State, below, same, under
from padimkit.stages import DENSITY_FIT, EMBEDDING, PREPARE, REDUCER_FIT, SCORE, stage
from padimkit.values import Anomalies, Embedding, Pyramid, Scores, Stream


@final
class FittedLevels:
    """Fitted reducers and densities by the names of their embeddings."""

    def __init__(self, reducers: dict[str, Reducer], densities: dict[str, DensityModel]) -> None:
        self.learnt_anomalies = False
        self._reducers = reducers
        self._densities = densities

    @classmethod
    def fit(
        cls,
        reducer: Reducer,
        density: DensityModel,
        stream: Stream[Pyramids],
        anomalies: Stream[tuple[Pyramids, Shares]] | None = None,
    ) -> "FittedLevels":
        """Fit copies of the reducer and the density, one per level, on a stream of embeddings.

        Of anomalies only densities that are `LearnsAnomalies` learn.
        """
        names = next(iter(stream))
        fitted = cls({name: deepcopy(reducer) for name in names}, {name: deepcopy(density) for name in names})
        fitted.learnt_anomalies = anomalies is not None
        with stage(REDUCER_FIT):
            fit_reducers(fitted._reducers, stream)
        with stage(DENSITY_FIT):
            if anomalies is None:
                fitted._fit_densities(stream)
            else:
                fitted._fit_with_anomalies(stream.map(fitted.reduce), anomalies)
        return fitted

    def _fit_with_anomalies(
        self, stream: Stream[Embeddings], anomalies: Stream[tuple[Pyramids, Shares]]
    ) -> None:
        for name, part in self._densities.items():
            _learning_anomalies(part).fit_with_anomalies(
                stream.map(itemgetter(name)), anomalies.map(partial(self._anomalies, name))
            )

    def _anomalies(self, name: str, given: tuple[Pyramids, Shares]) -> Anomalies:
        pyramids, shares = given
        return Anomalies(_reduced(pyramids[name], self._reducers[name]), shares[name])

    def _fit_densities(self, stream: Stream[Pyramids]) -> None:
        if not any(isinstance(density, PyramidDensity) for density in self._densities.values()):
            fit_parts(self._densities, stream.map(self.reduce))
            return
        for name, part in self._densities.items():
            _of_pyramids(part).fit_pyramids(stream.map(partial(self._pyramid, name)))

    def update(self, stream: Stream[Pyramids]) -> None:
        """Update the densities with more embeddings; the reducers stay as they are."""
        for density in self._densities.values():
            if not isinstance(density, Updatable):
                raise BadArgument(f"{type(density).__name__} cannot be updated. Fit on all images instead.")
        for pyramids in stream:
            for name, embedding in self.reduce(pyramids).items():
                updatable(self._densities[name]).update([embedding])

    def merge(self, other: "FittedLevels") -> None:
        """Add the other's densities to these, level by level.

        Raises:
            CannotMerge: The reducers or the arguments of the densities differ.
            BadArgument: The densities cannot be merged.
        """
        for name, reducer in self._reducers.items():
            if not same(reducer.state_dict(), other._reducers[name].state_dict()):
                raise CannotMerge(
                    f"The reducers ({type(reducer).__name__}) of the two pipelines learnt different "
                    "representations, so their densities cannot be merged. Fit on all images instead."
                )
        for name, density in self._densities.items():
            if not isinstance(density, Mergeable):
                raise BadArgument(f"{type(density).__name__} cannot be merged. Fit on all images instead.")
            density.merge(other._densities[name])

    def prepare(self) -> None:
        """Let each density make now what its first score would make."""
        with stage(PREPARE):
            for density in self._densities.values():
                if isinstance(density, Prepares):
                    density.prepare()

    def score(self, pyramids: Pyramids) -> list[Scores]:
        """Return the scores of all levels.

        Raises:
            BadModel: The backbone gives other levels than those that were fitted or loaded.
        """
        if pyramids.keys() != self._densities.keys():
            raise BadModel(
                f"The levels {', '.join(self._densities)} were fitted, but the backbone gives "
                f"{', '.join(pyramids)}."
            )
        return [self._score(name, pyramids) for name in pyramids]

    def traceable(self) -> Callable[[Pyramids], list[Scores]]:
        """Return a function that does what `score` does, and can be traced.

        Raises:
            CannotExport: A part is not exportable, or not with its arguments; the message names it.
        """
        parts = {
            name: (
                as_exportable(reducer, Exportable).traceable(),
                as_exportable(self._densities[name], Exportable).traceable(),
            )
            for name, reducer in self._reducers.items()
        }

        def score(pyramids: Pyramids) -> list[Scores]:
            return [density(reduce(pyramids[name])) for name, (reduce, density) in parts.items()]

        return score

    @property
    def leaves_one_out(self) -> bool:
        """True if each density can score what it has learnt as if it had not."""
        return all(isinstance(density, LeaveOneOut) for density in self._densities.values())

    @property
    def merges(self) -> bool:
        """True if each density can be merged with another."""
        return all(isinstance(density, Mergeable) for density in self._densities.values())

    def learns_representation(self, pyramids: Pyramids) -> bool:
        """Return whether a reducer depends on the images: fitted on these alone it has another state."""
        return any(
            not same(_refitted(reducer, pyramids[name]), reducer.state_dict())
            for name, reducer in self._reducers.items()
        )

    def leave_one_out(self) -> Callable[[Pyramids, Sequence[int]], list[Scores]]:
        """Return a function that scores learnt images, given their numbers, as if they were not learnt."""
        functions = {name: _leaving(density).leave_one_out() for name, density in self._densities.items()}

        def score(pyramids: Pyramids, numbers: Sequence[int]) -> list[Scores]:
            reduced = self.reduce(pyramids)
            with stage(SCORE):
                return [functions[name](embedding, numbers) for name, embedding in reduced.items()]

        return score

    def state_dict(self) -> State:
        """Return the state of all reducers and densities."""
        state: State = {}
        for index, (name, reducer) in enumerate(self._reducers.items()):
            state[f"order/{name}"] = torch.tensor(index)  # keeps levels without any learnt tensors
            state |= below(f"reducers/{name}", reducer.state_dict())
            state |= below(f"densities/{name}", self._densities[name].state_dict())
        return state

    @classmethod
    def from_state_dict(cls, reducer: Reducer, density: DensityModel, state: State) -> "FittedLevels":
        """Return copies of the reducer and the density with a state that `state_dict` returned.

        Raises:
            BadModel: It is not such a state; the message names the part and the tensor.
        """
        order = under("order", state)
        require_state(reducer, order, **dict.fromkeys(order, "int"))
        names = sorted(order, key=lambda name: int(order[name]))
        if not names or [int(order[name]) for name in names] != list(range(len(names))):
            raise BadModel("The state does not say in which order its levels come.")
        known = tuple(f"{kind}/{name}/" for kind in ("reducers", "densities") for name in names)
        for name in state:
            if not name.startswith(("order/", *known)):
                raise BadModel(f'The state has "{name}", which is of no level: {", ".join(names)}.')
        fitted = cls({name: deepcopy(reducer) for name in names}, {name: deepcopy(density) for name in names})
        for name in names:
            fitted._reducers[name].load_state_dict(under(f"reducers/{name}", state))
            fitted._densities[name].load_state_dict(under(f"densities/{name}", state))
        return fitted

    def _score(self, name: str, pyramids: Pyramids) -> Scores:
        density = self._densities[name]
        if isinstance(density, PyramidDensity):
            pyramid = self._pyramid(name, pyramids)
            with stage(SCORE):
                return density.score_pyramid(pyramid)
        reduced = _reduced(pyramids[name], self._reducers[name])
        with stage(SCORE):
            return density.score(reduced)

    def _pyramid(self, name: str, pyramids: Pyramids) -> Pyramid:
        pyramid, reducer = pyramids[name], self._reducers[name]
        if isinstance(reducer, PyramidReducer):
            with stage(EMBEDDING):
                return replace(pyramid, maps=reducer.transform_pyramid(pyramid.maps))
        reduced = _reduced(pyramid, reducer)
        return Pyramid((reduced.patches,), reduced.descriptor)

    def reduce(self, pyramids: Pyramids) -> Embeddings:
        """Return the embeddings that the densities get."""
        return {name: _reduced(pyramid, self._reducers[name]) for name, pyramid in pyramids.items()}


def _reduced(pyramid: Pyramid, reducer: Reducer) -> Embedding:
    with stage(EMBEDDING):
        if isinstance(reducer, LinearReducer) and len(pyramid.maps) > 1:
            return Embedding(reducer.transform_then_align(pyramid.maps, pyramid.align), pyramid.descriptor)
        return reducer.transform(pyramid.embedding())


def _refitted(reducer: Reducer, pyramid: Pyramid) -> State:
    """Return the state of the reducer after another fit, or none if it cannot be fitted on these alone."""
    other = deepcopy(reducer)
    try:
        other.fit([pyramid.embedding()])
    except PadimkitError:
        return {}
    return other.state_dict()


def _learning_anomalies(part: DensityModel) -> LearnsAnomalies:
    assert isinstance(part, LearnsAnomalies)
    return part


def _leaving(part: DensityModel) -> LeaveOneOut:
    assert isinstance(part, LeaveOneOut)
    return part


def _of_pyramids(part: DensityModel) -> PyramidDensity:
    assert isinstance(part, PyramidDensity)
    return part
