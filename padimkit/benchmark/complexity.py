"""How what was measured grows with the size of a problem."""

import numpy as np
from numpy.typing import NDArray

from padimkit.benchmark.statistics import RESAMPLES, Interval, Numbers, check_level, finite
from padimkit.errors import BadArgument

FEWEST_SIZES = 3


def growth(sizes: Numbers, values: Numbers, *, seed: int = 0, level: float = 0.95) -> Interval:
    """The exponent k of values ~ sizes ** k: the slope of least squares between logarithms.

    The interval is the percentile bootstrap's over points, whose resamples with a single size are left out.
    It is a little too narrow: with noise that is alike at all sizes, that of 95 % holds the truth in some
    90 % of cases.

    Args:
        sizes: Repeated where a value was measured repeatedly.
        values: One per size.
        seed: Of the resamples.
        level: Share of such intervals that are meant to hold the truth.

    Raises:
        BadArgument: There are fewer than three different sizes, a size without a value, or anything that is
            not positive and finite.
    """
    check_level(level)
    x, y = _logarithms(sizes, "sizes"), _logarithms(values, "values")
    if len(x) != len(y):
        raise BadArgument(f"One value per size was expected, got {len(y)} values for {len(x)} sizes.")
    if len(np.unique(x)) < FEWEST_SIZES:
        raise BadArgument(f"A growth shows from {FEWEST_SIZES} different sizes on, got {len(np.unique(x))}.")
    drawn = np.random.default_rng(seed).integers(len(x), size=(RESAMPLES, len(x)))
    drawn = drawn[np.ptp(x[drawn], axis=1) > 0]
    slopes = _slope(x[drawn], y[drawn])
    lower, upper = np.quantile(slopes, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(_slope(x, y)), float(lower), float(upper))


def _logarithms(values: Numbers, what: str) -> NDArray[np.float64]:
    array = finite(values, what, fewest=FEWEST_SIZES)
    if (array <= 0).any():
        raise BadArgument(f"Growth has no exponent where {what} are not positive, got {array.min():g}.")
    return np.log(array)


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Along the last axis."""
    deviations = x - x.mean(axis=-1, keepdims=True)
    return np.asarray((deviations * y).sum(axis=-1) / (deviations**2).sum(axis=-1))
