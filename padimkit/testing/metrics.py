"""Checks of metrics."""

import math

import numpy as np
import torch

from padimkit.contracts import HasCurve, HasInfluence, Metric, ReferenceValues
from padimkit.errors import UndefinedMetric
from padimkit.testing import (
    batches,
    elsewhere,
    imports,
    manners,
    named_values,
    parts,
    places,
    threads,
    undefined_metrics,
)
from padimkit.testing.answers import DataSet, Result, Usage, left_alone
from padimkit.testing.check import Make, NotApplicable, checks, checks_with, require
from padimkit.testing.inputs.predictions import (
    LabelledPrediction,
    computed,
    labelled_prediction,
    require_same,
    update,
    updated,
    value_of,
)
from padimkit.values import Prediction

_SMALL = 1e-6  # times scores of some 40: digits that rounding takes


def says_whether_higher_is_better(make: Make) -> None:
    """`higher_is_better` is true or false."""
    found = make().higher_is_better
    require(isinstance(found, bool), f'Expected "higher_is_better" to be True or False, found {found!r}.')


def gives_one_finite_number(make: Make) -> None:
    """Computing returns a finite float."""
    found = updated(make, labelled_prediction()).compute()
    expected = "Expected compute to return a finite float"
    require(isinstance(found, float), f"{expected}, found {found!r} of type {type(found).__name__}.")
    require(math.isfinite(found), f"{expected}, found {found}.")


def better_predictions_get_better_values(make: Make) -> None:
    """Perfect scores get a better value than fair ones, and these a better one than inverted ones."""
    _require_falling(make, 1.0, "")


def small_differences_count(make: Make) -> None:
    """Better scores get better values also where all scores are small: they have no unit."""
    _require_falling(make, _SMALL, f" that are all below {100 * _SMALL:g}")


def _require_falling(make: Make, scale: float, which: str) -> None:
    perfect, fair, inverted = (
        value_of(make, labelled_prediction(quality).scaled(scale))
        for quality in ("perfect", "fair", "inverted")
    )
    sign = 1 if make().higher_is_better else -1
    require(
        sign * perfect > sign * fair > sign * inverted,
        f"Expected {'falling' if sign > 0 else 'rising'} values for perfect, fair and inverted scores"
        f"{which}, found {perfect:.4g}, {fair:.4g} and {inverted:.4g}."
        + (" Are scores rounded, or compared with a fixed number?" if which else ""),
    )


def constant_predictions_are_no_success(make: Make) -> None:
    """Constant scores get a worse value than fair ones, or the metric is undefined."""
    try:
        constant = value_of(make, labelled_prediction("constant"))
    except UndefinedMetric:
        return
    fair = value_of(make, labelled_prediction("fair"))
    worse = constant < fair if make().higher_is_better else constant > fair
    require(
        worse,
        f"Expected a worse value than {fair:.4g} if all scores are equal, found {constant:.4g}. "
        "Look at the way ties are counted.",
    )


def reference_values_are_right(make: Make) -> None:
    """ReferenceValues: perfect and constant scores get the values that the metric states."""
    metric = make()
    if not isinstance(metric, ReferenceValues):
        raise NotApplicable("It does not state ReferenceValues.")
    require_same(
        value_of(make, labelled_prediction("perfect")), metric.perfect, "for perfect scores as it states"
    )
    require_same(
        value_of(make, labelled_prediction("constant")),
        metric.uninformative,
        "for constant scores as it states",
    )


def curve_can_be_drawn(make: Make) -> None:
    """HasCurve: the curve has at least two points and no more than asked for, finite and with ascending x."""
    metric = updated(make, labelled_prediction())
    if not isinstance(metric, HasCurve):
        raise NotApplicable("It is not taken from a curve (HasCurve).")
    for points in (10, 200):
        x, y = metric.curve(points)
        require(
            len(x) == len(y) and 2 <= len(x) <= points,
            f"Expected as many x as y, from 2 to {points}, found {len(x)} and {len(y)}.",
        )
        finite = bool(np.isfinite(x).all() and np.isfinite(y).all())
        require(finite, "Expected points that are finite, found NaN or infinity.")
        require(bool((np.diff(x) >= 0).all()), "Expected x to ascend, found that it does not.")


def influence_is_that_of_weights(make: Make) -> None:
    """HasInfluence: one more copy of an image moves the value as its influence says; all add up to 0."""
    metric = make()
    if not isinstance(metric, HasInfluence):
        raise NotApplicable("It does not tell the influence of images (HasInfluence).")
    collector = metric.influence()
    for batch in labelled_prediction().batches(5):
        collector.update(batch.prediction, batch.truth)
    found, count = np.asarray(collector.compute()), len(labelled_prediction().truth.paths)
    require(found.shape == (count,), f"Expected {count} influences, one per image, found {found.shape}.")
    require(
        abs(float(found.sum())) < 1e-6 + 1e-3 * float(np.abs(found).max()),
        f"Expected influences that add up to 0, found {found.sum():.4g}.",
    )
    copies = [labelled_prediction()] * _COPIES
    value = value_of(make, *copies)
    for index in (1, count - 1):
        moved = _COPIES * (value_of(make, *copies, labelled_prediction().images(index, index + 1)) - value)
        require(
            abs(moved - found[index]) < 0.1 * float(np.abs(found).max()) + 1e-6,
            f"Expected the influence {moved:.4g} of image {index}, as one more copy of it shows, "
            f"found {found[index]:.4g}.",
        )


_COPIES = 20  # of a test set, to which one more image is a small change


def rectangles_are_taken(make: Make) -> None:
    """Maps of odd sides, higher than wide, get the value of the same maps turned by 90 degrees."""
    found = value_of(make, labelled_prediction().narrow())
    turned = value_of(make, labelled_prediction().narrow().turned())
    require_same(found, turned, "for maps that are higher than wide as for the same maps turned")


def input_is_not_modified(make: Make) -> None:
    """Predictions and truth that are passed in stay unchanged."""
    given = labelled_prediction()
    with left_alone(given.tensors(), "predictions and truth"):
        value_of(make, given)


def takes_predictions_on_cuda(make: Make) -> None:
    """Predictions on a GPU and truth on the CPU give the value that they give on the CPU."""
    if not torch.cuda.is_available():
        raise NotApplicable("There is no CUDA device here.")
    takes_predictions_on(torch.device("cuda", 0), make)


def takes_predictions_on(device: torch.device, make: Make) -> None:
    """Update with predictions on a device and truth on the CPU, as an evaluation does."""
    given = labelled_prediction()
    there = Prediction(given.prediction.image_scores.to(device), given.prediction.anomaly_maps.to(device))
    found = value_of(make, LabelledPrediction(there, given.truth))
    require_same(found, value_of(make, labelled_prediction()), f"from predictions on {device} as on the CPU")


def _fit(metric: Metric, data: DataSet) -> None:
    for batch in labelled_prediction("fair", data).batches(5):
        update(metric, batch)


def _apply(metric: Metric, _: DataSet) -> Result:
    return {"value": torch.tensor(computed(metric), dtype=torch.float64)}


_USAGE = Usage(_fit, _apply)

METRIC_CHECKS = (
    *checks(
        Metric,
        says_whether_higher_is_better,
        gives_one_finite_number,
        better_predictions_get_better_values,
        small_differences_count,
        constant_predictions_are_no_success,
        places.maps_in_other_places_get_worse_values,
        reference_values_are_right,
        curve_can_be_drawn,
        influence_is_that_of_weights,
        named_values.named_values_have_directions,
        named_values.named_values_are_those_of_directions,
        named_values.named_values_are_never_nan,
        named_values.better_predictions_get_better_named_values,
        named_values.named_values_are_of_all_batches,
        named_values.image_values_are_in_order,
        rectangles_are_taken,
        batches.batch_size_does_not_matter,
        batches.order_does_not_matter,
        batches.order_of_equal_scores_does_not_matter,
        batches.reset_forgets,
        batches.compute_may_come_in_between,
        input_is_not_modified,
        undefined_metrics.refuses_an_empty_test_set,
        undefined_metrics.refuses_missing_truth,
        undefined_metrics.never_gives_nan,
        manners.arguments_have_names,
        imports.import_leaves_the_program_alone,
    ),
    *checks_with(
        Metric,
        _USAGE,
        parts.keeps_its_arguments,
        parts.same_arguments_give_the_same_result,
        parts.another_seed_gives_another_result,
        parts.leaves_global_random_state_alone,
        parts.repeats_itself,
        manners.leaves_the_program_alone,
        manners.writes_nothing_unasked,
        manners.no_results_are_kept,
        elsewhere.other_processes_give_the_same,
        parts.instances_share_nothing,
        parts.can_be_copied,
        parts.can_be_pickled,
        threads.instances_in_threads_equal_instances_in_turn,
    ),
    *checks(Metric, takes_predictions_on_cuda),
)
