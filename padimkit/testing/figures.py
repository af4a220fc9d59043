"""The figures that metrics give for made-up verdicts."""

import math

from padimkit.contracts import Metric
from padimkit.testing.check import Make, require
from padimkit.testing.verdicts import Verdict

_ROUNDING = 1e-5  # some metrics add up in float32


def figure(make: Make, *verdicts: Verdict) -> float:
    """What a fresh metric computes after an update with each verdict."""
    return computed(updated(make, *verdicts))


def updated(make: Make, *verdicts: Verdict) -> Metric:
    """A fresh metric after an update with each verdict."""
    metric: Metric = make()
    for verdict in verdicts:
        update(metric, verdict)
    return metric


def update(metric: Metric, verdict: Verdict) -> None:
    """Updates the metric with the verdict."""
    metric.update(verdict.prediction, verdict.truth)


def computed(metric: Metric) -> float:
    """The figure as a float, whatever type it has: a check of its own looks at that."""
    return float(metric.compute())


def require_same(found: float, expected: float, when: str) -> None:
    """Requires two figures to be the same but for rounding."""
    same = math.isclose(found, expected, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    require(same, f"Expected the same figure {when}, found {found:.8g} instead of {expected:.8g}.")
