"""The checks of the contract of metrics."""

import math

import torch

from padimkit.contracts import KnownFigures, Metric
from padimkit.errors import UndefinedMetric
from padimkit.testing import parts, undefined_metrics
from padimkit.testing.answers import Exercise, Material, left_alone
from padimkit.testing.check import Make, NotApplicable, checks, checks_with, require
from padimkit.testing.inputs.predictions import (
    COUNT,
    Verdict,
    computed,
    figure,
    require_same,
    update,
    updated,
    verdict,
)
from padimkit.values import Prediction


def says_whether_higher_is_better(make: Make) -> None:
    """`higher_is_better` is true or false."""
    found = make().higher_is_better
    require(isinstance(found, bool), f'Expected "higher_is_better" to be True or False, found {found!r}.')


def gives_one_finite_number(make: Make) -> None:
    """compute returns a float that is neither NaN nor infinite."""
    found = updated(make, verdict()).compute()
    expected = "Expected compute to return a finite float"
    require(isinstance(found, float), f"{expected}, found {found!r} of type {type(found).__name__}.")
    require(math.isfinite(found), f"{expected}, found {found}.")


def better_predictions_get_better_figures(make: Make) -> None:
    """Perfect scores are better than fair ones, and these are better than inverted ones."""
    perfect, fair = figure(make, verdict("perfect")), figure(make, verdict("fair"))
    inverted = figure(make, verdict("inverted"))
    sign = 1 if make().higher_is_better else -1
    require(
        sign * perfect > sign * fair > sign * inverted,
        f"Expected {'falling' if sign > 0 else 'rising'} figures for perfect, fair and inverted scores, "
        f"found {perfect:.4g}, {fair:.4g} and {inverted:.4g}.",
    )


def constant_predictions_are_no_success(make: Make) -> None:
    """A model that gives all the same score is worse than a fair one, or the metric is undefined."""
    try:
        constant = figure(make, verdict("constant"))
    except UndefinedMetric:
        return
    fair = figure(make, verdict("fair"))
    worse = constant < fair if make().higher_is_better else constant > fair
    require(
        worse,
        f"Expected a worse figure than {fair:.4g} where all scores are equal, found {constant:.4g}. "
        "How are ties counted?",
    )


def known_figures_are_right(make: Make) -> None:
    """KnownFigures: perfect and constant scores get the figures that are known beforehand."""
    metric = make()
    if not isinstance(metric, KnownFigures):
        raise NotApplicable("It does not say which figures are known (KnownFigures).")
    require_same(figure(make, verdict("perfect")), metric.perfect, "for perfect scores as it says")
    require_same(figure(make, verdict("constant")), metric.constant, "for constant scores as it says")


def batch_size_does_not_matter(make: Make) -> None:
    """Updates with parts of a test set give the figure of one update with all of it."""
    for size in (1, 5):
        found = figure(make, *verdict().batches(size))
        require_same(found, figure(make, verdict()), f"in batches of {size} as in one")


def order_does_not_matter(make: Make) -> None:
    """Batches in another order give the same figure."""
    found = figure(make, *reversed(verdict().batches(3)))
    require_same(found, figure(make, *verdict().batches(3)), "when batches come in another order")


def order_of_equal_scores_does_not_matter(make: Make) -> None:
    """Where scores are equal, batches in another order give the same figure."""
    try:
        expected = figure(make, *verdict("constant").batches(3))
    except UndefinedMetric:
        raise NotApplicable("It is undefined where all scores are equal.") from None
    found = figure(make, *reversed(verdict("constant").batches(3)))
    require_same(found, expected, "when batches of equal scores come in another order")


def reset_forgets(make: Make) -> None:
    """After reset, the metric is as good as new."""
    metric = updated(make, verdict("fair", "other"))
    metric.compute()
    metric.reset()
    update(metric, verdict())
    require_same(computed(metric), figure(make, verdict()), "after reset as from a new instance")


def compute_may_come_in_between(make: Make) -> None:
    """A figure can be had in the middle of a test set without changing the one at its end."""
    first, rest = _two_parts()
    metric = updated(make, first)
    metric.compute()
    update(metric, rest)
    require_same(computed(metric), figure(make, *_two_parts()), "when computed in between too")


def input_is_not_modified(make: Make) -> None:
    """Predictions and truth are left as they are."""
    given = verdict()
    with left_alone(given.tensors(), "predictions and truth"):
        figure(make, given)


def takes_predictions_on_cuda(make: Make) -> None:
    """Predictions on a GPU and truth on the CPU give the figure that they give on the CPU."""
    if not torch.cuda.is_available():
        raise NotApplicable("There is no CUDA device here.")
    takes_predictions_on(torch.device("cuda", 0), make)


def takes_predictions_on(device: torch.device, make: Make) -> None:
    """Updates with predictions on a device and truth on the CPU, as an evaluation does."""
    given = verdict()
    there = Prediction(given.prediction.image_scores.to(device), given.prediction.anomaly_maps.to(device))
    found = figure(make, Verdict(there, given.truth))
    require_same(found, figure(make, verdict()), f"from predictions on {device} as on the CPU")


def _two_parts() -> tuple[Verdict, Verdict]:
    return verdict().images(0, COUNT - 2), verdict().images(COUNT - 2, COUNT)


def _teach(metric: Metric, material: Material) -> None:
    for batch in verdict("fair", material).batches(5):
        update(metric, batch)


_EXERCISE = Exercise(
    _teach, lambda metric, _: {"figure": torch.tensor(computed(metric), dtype=torch.float64)}
)

METRIC_CHECKS = (
    *checks(
        Metric,
        says_whether_higher_is_better,
        gives_one_finite_number,
        better_predictions_get_better_figures,
        constant_predictions_are_no_success,
        known_figures_are_right,
        batch_size_does_not_matter,
        order_does_not_matter,
        order_of_equal_scores_does_not_matter,
        reset_forgets,
        compute_may_come_in_between,
        input_is_not_modified,
        undefined_metrics.refuses_an_empty_test_set,
        undefined_metrics.refuses_missing_truth,
        undefined_metrics.never_gives_nan,
    ),
    *checks_with(
        Metric,
        _EXERCISE,
        parts.keeps_its_arguments,
        parts.same_arguments_give_the_same_result,
        parts.another_seed_gives_another_result,
        parts.leaves_global_random_state_alone,
        parts.repeats_itself,
        parts.instances_share_nothing,
        parts.can_be_copied,
        parts.can_be_pickled,
    ),
    *checks(Metric, takes_predictions_on_cuda),
)
