"""Checks of metrics with more than one number: named values, and values of images."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from padimkit.contracts import ImageValues, Metric, NamedValues
from padimkit.errors import UndefinedMetric
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.inputs.predictions import (
    LabelledPrediction,
    anomalous_only,
    computed,
    labelled_prediction,
    normal_only,
    require_same,
    update,
    updated,
)


def named_values_have_directions(make: Make) -> None:
    """NamedValues: each name has letters, digits and "_", and true or false, the same for all data."""
    fresh, used = _named(make), updated(make, labelled_prediction())
    found = fresh.directions
    expected = 'Expected "directions" to hold true or false by names in letters, digits and "_"'
    require(isinstance(found, Mapping) and bool(found), f"{expected}, found {found!r}.")
    for name, higher in found.items():
        good = isinstance(name, str) and name.isidentifier() and isinstance(higher, bool)
        require(good, f"{expected}, found {name!r}: {higher!r}.")
    computed(used)
    require(
        dict(used.directions) == dict(found),  # type: ignore[attr-defined]
        'Expected the same "directions" for all test sets, found that they change with the data.',
    )


def named_values_are_those_of_directions(make: Make) -> None:
    """NamedValues: all values that have a direction are given, and no others, each a finite float."""
    names = sorted(_named(make).directions)
    found = _values(updated(make, labelled_prediction()))
    require(
        sorted(found) == names,
        f'Expected a value for each name in "directions", {", ".join(names)}, found {", ".join(found)}.',
    )
    _require_floats(found)


def named_values_are_never_nan(make: Make) -> None:
    """NamedValues: normal images alone, or anomalous ones alone, give finite values or leave them out."""
    names = _named(make).directions
    for given in (normal_only(), anomalous_only()):
        metric = updated(make, given)
        try:
            computed(metric)
            found = _values(metric)
        except UndefinedMetric:
            continue
        _require_floats(found)
        require(found.keys() <= set(names), f'Expected no name without a direction, found "{[*found]}".')


def better_predictions_get_better_named_values(make: Make) -> None:
    """NamedValues: perfect scores get no worse values than inverted ones, in the direction of each.

    A value at its end for both is right: there are metrics that saturate.
    """
    directions = _named(make).directions
    perfect, inverted = (
        _values(updated(make, labelled_prediction(quality))) for quality in ("perfect", "inverted")
    )
    for name in directions.keys() & perfect.keys() & inverted.keys():
        sign = 1 if directions[name] else -1
        require(
            sign * perfect[name] >= sign * inverted[name],
            f'Expected "{name}" not to be {"lower" if sign > 0 else "higher"} for perfect scores than for '
            f"inverted ones, as its direction says, found {perfect[name]:.4g} and {inverted[name]:.4g}.",
        )


def named_values_are_of_all_batches(make: Make) -> None:
    """NamedValues: they depend neither on batches, nor on their order, nor on what came before reset."""
    _named(make)
    expected = _values(updated(make, labelled_prediction()))
    for metric, when in _ways(make):
        found = _values(metric)
        for name in expected:
            require_same(found.get(name, math.nan), expected[name], f'of "{name}" {when}')


def image_values_are_in_order(make: Make) -> None:
    """ImageValues: there is one for each image, finite or NaN, in the order of the updates."""
    if not isinstance(make(), ImageValues):
        raise NotApplicable("It has no values of images (ImageValues).")
    expected = _of_images(updated(make, labelled_prediction()))
    count = len(labelled_prediction().truth.paths)
    for metric, when in _ways(make):
        found = _of_images(metric)
        if when == _BACKWARDS:
            found = found[::-1]
        _require_images(found, count)
        require(
            np.allclose(found, expected, rtol=1e-5, atol=1e-5, equal_nan=True),
            f"Expected the same value of each image {when}, found others.",
        )


_BACKWARDS = "when images come in the opposite order"


def _ways(make: Make) -> list[tuple[Metric, str]]:
    """Return metrics that have seen the same test set in different ways, and the ways in words."""
    again = updated(make, labelled_prediction("fair", "second"))
    _after(again, lambda metric: computed(metric))
    again.reset()
    update(again, labelled_prediction())
    between = make()
    for number, batch in enumerate(labelled_prediction().batches(5)):
        update(between, batch)
        if number:
            _after(between, _everything)
    one_by_one = labelled_prediction().batches(1)
    return [
        (again, "after reset as from a new instance"),
        (between, "if they are asked for in between too"),
        (_computed_first(make, one_by_one), "in batches of 1 as in one"),
        (_computed_first(make, one_by_one[::-1]), _BACKWARDS),
    ]


def _computed_first(make: Make, given: list[LabelledPrediction]) -> Metric:
    metric = updated(make, *given)
    computed(metric)
    return metric


def _after(metric: Metric, ask: Callable[[Metric], object]) -> None:
    try:
        ask(metric)
    except UndefinedMetric:
        return


def _everything(metric: Metric) -> None:
    computed(metric)
    if isinstance(metric, NamedValues):
        metric.named_values()
    if isinstance(metric, ImageValues):
        metric.image_values()


def _named(make: Make) -> NamedValues:
    metric = make()
    if not isinstance(metric, NamedValues):
        raise NotApplicable("It has no further values (NamedValues).")
    return metric


def _values(metric: Any) -> dict[str, float]:
    computed(metric)
    found = metric.named_values()
    require(isinstance(found, Mapping), f"Expected named_values to return a dict, found {found!r}.")
    return dict(found)


def _require_floats(found: Mapping[str, object]) -> None:
    for name, value in found.items():
        require(
            isinstance(value, float) and math.isfinite(value),
            f'Expected "{name}" to be a finite float, found {value!r} of type {type(value).__name__}; a '
            "value that is undefined is left out.",
        )


def _of_images(metric: Any) -> np.ndarray:
    computed(metric)
    return np.asarray(metric.image_values(), np.float64)


def _require_images(found: np.ndarray, count: int) -> None:
    require(found.shape == (count,), f"Expected {count} values, one per image, found {found.shape}.")
    require(not np.isinf(found).any(), "Expected values that are finite or NaN, found infinity.")
