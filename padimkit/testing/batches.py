"""Checks of batches: the value of a metric is that of a whole test set, however it comes.

They stand apart from the other checks of metrics, since they ask for what is kept from call to call.
"""

from padimkit.errors import UndefinedMetric
from padimkit.testing.check import Make, NotApplicable
from padimkit.testing.inputs.predictions import (
    LabelledPrediction,
    computed,
    labelled_prediction,
    require_same,
    update,
    updated,
    value_of,
)


def batch_size_does_not_matter(make: Make) -> None:
    """Updates with batches of a test set give the value of one update with all of it."""
    for size in (1, 5):
        found = value_of(make, *labelled_prediction().batches(size))
        require_same(found, value_of(make, labelled_prediction()), f"in batches of {size} as in one")


def order_does_not_matter(make: Make) -> None:
    """Batches in another order give the same value."""
    found = value_of(make, *reversed(labelled_prediction().batches(3)))
    require_same(
        found, value_of(make, *labelled_prediction().batches(3)), "when batches come in another order"
    )


def order_of_equal_scores_does_not_matter(make: Make) -> None:
    """Batches of equal scores give the same value in another order."""
    try:
        expected = value_of(make, *labelled_prediction("constant").batches(3))
    except UndefinedMetric:
        raise NotApplicable("It is undefined if all scores are equal.") from None
    found = value_of(make, *reversed(labelled_prediction("constant").batches(3)))
    require_same(found, expected, "when batches of equal scores come in another order")


def reset_forgets(make: Make) -> None:
    """Resetting forgets all batches: the metric behaves as a new instance."""
    metric = updated(make, labelled_prediction("fair", "second"))
    metric.compute()
    metric.reset()
    update(metric, labelled_prediction())
    require_same(
        computed(metric), value_of(make, labelled_prediction()), "after reset as from a new instance"
    )


def compute_may_come_in_between(make: Make) -> None:
    """Computing in the middle of a test set does not change the value at its end."""
    first, rest = _two_parts()
    metric = updated(make, first)
    metric.compute()
    update(metric, rest)
    require_same(computed(metric), value_of(make, *_two_parts()), "if it is computed in between too")


def _two_parts() -> tuple[LabelledPrediction, LabelledPrediction]:
    given = labelled_prediction()
    images = len(given.truth.paths)
    return given.images(0, images - 2), given.images(images - 2, images)
