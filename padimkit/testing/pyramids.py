"""Checks of reducers and density models that take the layers of an embedding at their own resolution."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F

from padimkit.contracts import LinearReducer, PyramidDensity, PyramidLearner, PyramidReducer
from padimkit.testing.answers import ROUNDING, Result, difference, left_alone
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.inputs.embeddings import (
    fit,
    joined,
    positions,
    probe,
    scores_of,
    stream,
    training,
)
from padimkit.testing.states import written
from padimkit.values import Alignment, Embedding, Pyramid, Stream


@dataclass(frozen=True)
class Layers:
    """Made-up layers that share the channels of an embedding, of ever fewer positions.

    Args:
        sizes: Return rows and columns of each layer, given those of the finest.
        alignment: The interpolation by which they are aligned.
    """

    sizes: Callable[[int, int], Sequence[tuple[int, int]]]
    alignment: Alignment

    def pyramid(self, embedding: Embedding) -> Pyramid:
        """Return the layers of the embedding, the channels of no two of which are equally many."""
        patches, sizes = embedding.patches, self.sizes(*positions())
        shares = patches.tensor_split((3, 4)[: len(sizes) - 1], dim=1)
        maps = (F.interpolate(share, size) for share, size in zip(shares, sizes, strict=True))
        return Pyramid(tuple(maps), embedding.descriptor, self.alignment)

    def stream(self, embedding: Embedding) -> Stream[Pyramid]:
        """Return the layers of the embedding in batches."""
        return stream(embedding).map(self.pyramid)

    def __str__(self) -> str:
        sizes = ", ".join(f"{height} x {width}" for height, width in self.sizes(*positions()))
        return f"layers of {sizes} positions, aligned by {self.alignment}"


def _nested(height: int, width: int) -> list[tuple[int, int]]:
    """Return grids each position of which covers whole ones of the grid before: of 6 x 9, 3 x 3 and 1 x 3."""
    middle = _part_of(height)
    return [(height, width), (middle, _part_of(width)), (_part_of(middle), _part_of(width))]


def _uneven(height: int, width: int) -> list[tuple[int, int]]:
    """Return grids whose positions do not cover equally many of the finest: of 6 x 9, 4 x 4 and 2 x 3."""
    shares = ((1.0, 1.0), (2 / 3, 4 / 9), (1 / 3, 1 / 3))
    return [(max(round(height * rows), 1), max(round(width * columns), 1)) for rows, columns in shares]


def _part_of(length: int) -> int:
    """Return the largest number below, a multiple of which the length is; 1 of 1."""
    return next((length // factor for factor in range(2, length + 1) if length % factor == 0), 1)


NESTED = Layers(_nested, "nearest")
LAYERS = (NESTED, Layers(_uneven, "nearest"), Layers(_nested, "bilinear"))
_FEWER = (
    Layers(lambda height, width: _nested(height, width)[:2], "nearest"),
    Layers(lambda height, width: [(height, width)], "nearest"),
)


def aligning_last_equals_transform(make: Make) -> None:
    """LinearReducer: transform_then_align gives the result of transform on the aligned embedding."""
    for reducer, layers, pyramid, expected in _reductions(make, LinearReducer):
        found = reducer.transform_then_align(pyramid.maps, pyramid.align)
        changed = difference({"patches": found}, {"patches": expected.patches}, relative=ROUNDING)
        require(
            not changed,
            f"Expected transform_then_align to give the result of transform, found {changed} for {layers}.",
        )


def transform_pyramid_equals_transform(make: Make) -> None:
    """PyramidReducer: transform_pyramid, aligned, gives the result of transform on the aligned embedding."""
    for reducer, layers, pyramid, expected in _reductions(make, PyramidReducer):
        maps = tuple(reducer.transform_pyramid(pyramid.maps))
        sizes, found = [tuple(map.shape[2:]) for map in pyramid.maps], [tuple(map.shape[2:]) for map in maps]
        require(found == sizes, f"Expected reduced layers of {sizes} positions, found {found}.")
        aligned = Pyramid(maps, alignment=pyramid.alignment).embedding()
        changed = difference({"patches": aligned.patches}, {"patches": expected.patches}, relative=ROUNDING)
        require(
            not changed,
            f"Expected transform_pyramid to give the result of transform, found {changed} for {layers}.",
        )


def learning_from_pyramids_equals_fit(make: Make) -> None:
    """PyramidLearner: fit_pyramids gives the reduction that fit gives on the aligned layers."""
    for layers in (*LAYERS, *_FEWER):
        learnt, aligned = _fitted_on_pyramids(make, PyramidLearner, layers), make()
        aligned.fit(layers.stream(training("first")).map(Pyramid.embedding))
        changed = difference(_reduced(learnt), _reduced(aligned), relative=ROUNDING)
        require(
            not changed,
            f"Expected fit_pyramids to give the reduction of fit, found {changed} for {layers}. "
            "Pyramid.align tells what each layer is at the finest positions, all of which count.",
        )


def learning_from_pyramids_forgets_earlier_fits(make: Make) -> None:
    """PyramidLearner: fitting again on pyramids forgets the first fit."""
    reducer, expected = make(), _reduced(_fitted_on_pyramids(make, PyramidLearner, NESTED))
    reducer.fit(stream(joined(probe("first"), training("second"))))
    _reduced(reducer)  # a cache must be forgotten as well
    for time in ("second", "third"):
        reducer.fit_pyramids(NESTED.stream(training("first")))
        changed = difference(_reduced(reducer), expected, relative=ROUNDING)
        require(not changed, f"Expected a {time} fit to forget earlier ones, found {changed}.")


def reduction_of_pyramids_can_be_restored(make: Make) -> None:
    """PyramidLearner: states of a fit on pyramids, loaded into a fresh instance, give the same reduction."""
    _require_restored(make, PyramidLearner, _reduced)


def pyramids_that_are_learnt_are_not_modified(make: Make) -> None:
    """PyramidLearner: pyramids that are passed to fit_pyramids stay unchanged."""
    reducer, data = able(make(), PyramidLearner), NESTED.pyramid(training("first"))
    with left_alone(_tensors_of(data), "the pyramids given to fit_pyramids"):
        reducer.fit_pyramids([data])


def pyramids_equal_aligned_embeddings(make: Make) -> None:
    """PyramidDensity: fit_pyramids and score_pyramid give the scores of fit and score on aligned layers."""
    for layers in (*LAYERS, *_FEWER):
        density, aligned = _fitted_on_pyramids(make, PyramidDensity, layers), make()
        aligned.fit(layers.stream(training("first")).map(Pyramid.embedding))
        unseen = layers.pyramid(probe("first"))
        expected = scores_of(aligned.score(unseen.embedding()))
        changed = difference(scores_of(density.score_pyramid(unseen)), expected, relative=ROUNDING)
        require(
            not changed,
            f"Expected pyramids to give the scores of aligned embeddings, found {changed} for {layers}.",
        )


def pyramids_are_not_modified(make: Make) -> None:
    """PyramidDensity: pyramids that are passed in stay unchanged, in fit_pyramids and score_pyramid."""
    density = able(make(), PyramidDensity)
    data, unseen = NESTED.pyramid(training("first")), NESTED.pyramid(probe("first"))
    with left_alone(_tensors_of(data), "the pyramids given to fit_pyramids"):
        density.fit_pyramids([data])
    with left_alone(_tensors_of(unseen), "the pyramid given to score_pyramid"):
        density.score_pyramid(unseen)


def second_pyramid_fit_forgets_the_first(make: Make) -> None:
    """PyramidDensity: fitting again on pyramids forgets the first fit."""
    density = able(make(), PyramidDensity)
    density.fit_pyramids(NESTED.stream(joined(probe("first"), training("second"))))
    _scores(density)  # a cache must be forgotten as well
    density.fit_pyramids(NESTED.stream(training("first")))
    expected = _scores(_fitted_on_pyramids(make, PyramidDensity, NESTED))
    changed = difference(_scores(density), expected, relative=ROUNDING)
    require(not changed, f"Expected a second fit on pyramids to forget the first, found {changed}.")


def fit_on_pyramids_can_be_restored(make: Make) -> None:
    """PyramidDensity: states of a fit on pyramids, loaded into a fresh instance, give the same scores."""
    _require_restored(make, PyramidDensity, _scores)


def _require_restored(make: Make, contract: type[Any], use: Callable[[Any], Result]) -> None:
    part, restored = _fitted_on_pyramids(make, contract, NESTED), make()
    restored.load_state_dict(written(part.state_dict()))
    changed = difference(use(restored), use(part))
    require(not changed, f"Expected the same result bit for bit from the restored state, found {changed}.")


def _reductions(make: Make, contract: type[Any]) -> Iterator[tuple[Any, Layers, Pyramid, Embedding]]:
    reducer = able(make(), contract)
    fit(reducer)
    for layers in LAYERS:
        pyramid = layers.pyramid(probe("first"))
        yield reducer, layers, pyramid, reducer.transform(pyramid.embedding())


def able(part: Any, contract: type[Any]) -> Any:
    """Return the part.

    Raises:
        NotApplicable: It does not subclass the contract.
    """
    if not isinstance(part, contract):
        raise NotApplicable(f"It is not a {contract.__name__}.")
    return part


def _fitted_on_pyramids(make: Make, contract: type[Any], layers: Layers) -> Any:
    part = able(make(), contract)
    part.fit_pyramids(layers.stream(training("first")))
    return part


def _reduced(reducer: Any) -> Result:
    return {"patches": reducer.transform(probe("first")).patches}


def _scores(density: Any) -> Result:
    return scores_of(density.score_pyramid(NESTED.pyramid(probe("first"))))


def _tensors_of(pyramid: Pyramid) -> Result:
    named = {f"layer {number}": map for number, map in enumerate(pyramid.maps)}
    return named | ({} if pyramid.descriptor is None else {"descriptor": pyramid.descriptor})
