"""Checks that what an exportable part is traced to gives the results of the part.

They stand apart from the checks of the families, which share them.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from padimkit.contracts import Exportable, PyramidDensity
from padimkit.errors import CannotExport
from padimkit.testing.answers import ROUNDING, Result, difference, tensors_of
from padimkit.testing.check import Make, NotApplicable, described, require, require_not_fitted
from padimkit.testing.inputs.embeddings import fit, part_of, probe, scores_of, training
from padimkit.testing.inputs.images import pictures
from padimkit.testing.pyramids import LAYERS, NESTED
from padimkit.values import Embedding, Pyramid, Scores

_TRACED, _RUN = 2, 5  # images that a trace is made of, and images that it is run with
AsPyramid: TypeAlias = Callable[[Embedding], Pyramid]


def traced_features_equal_features(make: Make) -> None:
    """Exportable: a trace of the function gives the features of any number of images."""
    backbone = _exportable(make())
    function = _function(backbone)
    images = torch.cat([pictures("first"), pictures("second"), pictures("first").flip(3)])[:_RUN]
    expected = tensors_of(backbone.extract(images))

    def tensors(some: Tensor) -> tuple[Tensor, ...]:
        return tuple(tensors_of(function(some)).values())

    require_same(traced(tensors, [images[:_TRACED]]), [images], expected)


def traced_reduction_equals_transform(make: Make) -> None:
    """Exportable: a trace of the function gives the result of transform for any number of images."""
    reducer = _exportable(make())
    fit(reducer)
    function = _function(reducer)
    for layers in LAYERS:
        pyramid = layers.pyramid(part_of(probe("first"), 0, _RUN))

        def patches(*maps: Tensor, alignment: Any = layers.alignment) -> tuple[Tensor, ...]:
            return (function(Pyramid(maps, alignment=alignment)).embedding().patches,)

        found = traced(patches, [feature_map[:_TRACED] for feature_map in pyramid.maps])
        expected = reducer.transform(pyramid.embedding()).patches
        require_same(found, pyramid.maps, {"patches": expected})


def traced_scores_equal_scores(make: Make) -> None:
    """Exportable: a trace of the function gives the scores of any number of images."""
    for density, as_pyramid, score in _fits(make):
        function = _function(density)
        pyramid = as_pyramid(part_of(probe("first"), 0, _RUN))
        alignment = pyramid.alignment
        assert pyramid.descriptor is not None

        def scores(descriptor: Tensor, *maps: Tensor, use: Any = (function, alignment)) -> tuple[Tensor, ...]:
            return tuple(scores_of(use[0](Pyramid(maps, descriptor, use[1]))).values())

        inputs = [pyramid.descriptor, *pyramid.maps]
        require_same(traced(scores, [one[:_TRACED] for one in inputs]), inputs, scores_of(score(pyramid)))


def refuses_to_be_traced_before_fit(make: Make) -> None:
    """Exportable: calling traceable before fit raises NotFitted."""
    part = _exportable(make())
    require_not_fitted("traceable", part.traceable)


def _fits(make: Make) -> Iterator[tuple[Any, AsPyramid, Callable[[Pyramid], Scores]]]:
    """Yield fitted densities, what turns embeddings into what they were fitted on, and what scores it."""
    density = _exportable(make())
    fit(density)
    yield density, _single, lambda pyramid: density.score(pyramid.embedding())
    other = make()
    if isinstance(other, PyramidDensity):
        other.fit_pyramids(NESTED.stream(training("first")))
        yield other, NESTED.pyramid, other.score_pyramid


def _single(embedding: Embedding) -> Pyramid:
    return Pyramid((embedding.patches,), embedding.descriptor)


def _exportable(part: Any) -> Any:
    if not isinstance(part, Exportable):
        raise NotApplicable("It is not Exportable.")
    return part


def _function(part: Any) -> Callable[[Any], Any]:
    try:
        function: Callable[[Any], Any] = part.traceable()
    except CannotExport as error:
        raise NotApplicable(str(error)) from error
    return function


def traced(function: Callable[..., tuple[Tensor, ...]], inputs: Sequence[Tensor]) -> Any:
    """Return a trace of the function, made with these inputs."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, about what a trace fixes: that is what is checked
        try:
            return torch.jit.trace(function, tuple(inputs), check_trace=False)  # type: ignore[no-untyped-call]
        except Exception as error:  # a stranger's function may raise anything
            require(False, f"Expected a function that can be traced, found {described(error)}")


def require_same(traced: Any, inputs: Sequence[Tensor], expected: Result) -> None:
    """Require a trace to give the expected results for the inputs."""
    with torch.no_grad():
        try:
            found = traced(*inputs)
        except RuntimeError as error:
            require(False, f"Expected a trace for any number of images, found {described(error)}")
    changed = difference(dict(zip(expected, found, strict=True)), expected, relative=ROUNDING)
    require(not changed, f"Expected a trace to give the results of the part, found {changed}.")
