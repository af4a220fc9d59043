"""Checks of metrics on test sets for which their value is undefined.

They stand apart because their test sets and their error are their own; the other checks need a value.
"""

import math

from padimkit.contracts import Metric
from padimkit.errors import UndefinedMetric
from padimkit.testing.check import Make, described, require
from padimkit.testing.inputs.predictions import (
    anomalous_only,
    computed,
    labelled_prediction,
    normal_only,
    update,
    updated,
)


def refuses_an_empty_test_set(make: Make) -> None:
    """Computing without any image raises UndefinedMetric."""
    _require_undefined(make(), "without images")
    metric = updated(make, labelled_prediction())
    metric.reset()
    _require_undefined(metric, "after reset")


def refuses_missing_truth(make: Make) -> None:
    """Missing labels and masks make update or compute raise UndefinedMetric."""
    metric = make()
    try:
        update(metric, labelled_prediction().without_truth())
    except UndefinedMetric:
        return
    _require_undefined(metric, "if the test set has neither labels nor masks")


def never_gives_nan(make: Make) -> None:
    """Normal images alone, or anomalous ones alone, give a finite value or UndefinedMetric."""
    for what, given in (("normal", normal_only()), ("anomalous", anomalous_only())):
        expected = f"Expected UndefinedMetric or a finite value for {what} images alone"
        metric = updated(make, given)
        try:
            found = computed(metric)
        except UndefinedMetric:
            continue
        except Exception as error:  # a stranger's class may raise anything where one class is missing
            require(False, f"{expected}, found {described(error)}")
        require(math.isfinite(found), f"{expected}, found {found}.")


def _require_undefined(metric: Metric, when: str) -> None:
    expected = f"Expected compute to raise UndefinedMetric {when}"
    try:
        found = computed(metric)
    except UndefinedMetric as error:
        require(bool(str(error)), f"{expected} and to say what is missing, found no message.")
        return
    except Exception as error:  # a stranger's class may raise anything where nothing was counted
        require(False, f"{expected}, found {described(error)}")
    require(False, f"{expected}, found the value {found}.")
