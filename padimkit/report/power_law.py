"""A power of a size, fitted to costs that were measured several times at each of a few sizes."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from statistics import median
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from padimkit.errors import BadArgument
from padimkit.report.statistics import Interval, check_level, finite

FEWEST_SIZES = 3
_ROUNDING = 1e-12  # of logarithms: equal values differ from their mean by less, and say nothing of noise
Point = tuple[float, float]  # a size and a value


@final
@dataclass(frozen=True)
class PowerLaw:
    """The line log value = log factor + exponent * log size, by weighted least squares over all values.

    Values weigh by the variance of the logarithms at their size, halfway to that of all sizes: those of few
    values that agree by chance must not decide alone. Limits are Student's. They count sizes, not values,
    since all values at a size share what is off there: a power seldom holds exactly.

    Args:
        centre: The mean logarithm of the sizes.
        level: The logarithm of the value at the centre.
        exponent: The slope.
        variances: Of `level` and of `exponent`, which are uncorrelated.
        freedom: Degrees of freedom, two fewer than sizes.
    """

    centre: float
    level: float
    exponent: float
    variances: tuple[float, float]
    freedom: int

    @classmethod
    def of(cls, points: Iterable[Point]) -> "PowerLaw":
        """Return the line of sizes and values, which are repeated where there are several.

        Raises:
            BadArgument: There are fewer than three sizes, or a number is not positive and finite.
        """
        sizes, means, weights = _by_size(points)
        if len(sizes) < FEWEST_SIZES:
            raise BadArgument(f"An exponent needs at least {FEWEST_SIZES} different sizes, got {len(sizes)}.")
        centre = float(np.average(sizes, weights=weights))
        spread = float((weights * (sizes - centre) ** 2).sum())
        level = float(np.average(means, weights=weights))
        slope = float((weights * (sizes - centre) * means).sum()) / spread
        off = means - level - slope * (sizes - centre)
        noise = float((weights * off**2).sum()) / (len(sizes) - 2)
        variances = noise / float(weights.sum()), noise / spread
        return cls(centre, level, slope, variances, len(sizes) - 2)

    def interval(self, level: float = 0.95) -> Interval:
        """Return the exponent with its limits."""
        off = self._quantile(level) * math.sqrt(self.variances[1])
        return Interval(self.exponent, self.exponent - off, self.exponent + off)

    def at(self, size: float, level: float = 0.95) -> Interval:
        """Return the value at a size, be it beyond those measured, with the limits of the line there."""
        distance = math.log(size) - self.centre
        middle = self.level + self.exponent * distance
        off = self._quantile(level) * math.sqrt(self.variances[0] + self.variances[1] * distance**2)
        return Interval(math.exp(middle), math.exp(middle - off), math.exp(middle + off))

    def meets(self, other: "PowerLaw") -> float:
        """Return the size at which both lines have one value; their exponents differ."""
        own, others = (line.level - line.exponent * line.centre for line in (self, other))
        return math.exp((others - own) / (self.exponent - other.exponent))

    def _quantile(self, level: float) -> float:
        check_level(level)
        return _students(level, self.freedom)


@cache  # a crossing is looked for at thousands of sizes
def _students(level: float, freedom: int) -> float:
    return float(student.ppf((1 + level) / 2, freedom))


def medians(points: Iterable[Point]) -> list[Point]:
    """Return each size, ascending, with the median of its values."""
    found: dict[float, list[float]] = defaultdict(list)
    for size, value in points:
        found[size].append(value)
    return [(size, median(found[size])) for size in sorted(found)]


def local_exponents(points: Iterable[Point]) -> dict[float, float]:
    """Return, by each size but the first, the exponent that leads there from the size before."""
    known = medians(points)
    return {
        size: math.log(value / before) / math.log(size / smaller)
        for (smaller, before), (size, value) in pairwise(known)
    }


def _by_size(points: Iterable[Point]) -> tuple[NDArray[np.float64], ...]:
    """Return the logarithm of each size, the mean logarithm of its values, and the weight of the mean."""
    pairs = sorted(points)
    x, y = (_logarithms([pair[i] for pair in pairs], name) for i, name in ((0, "sizes"), (1, "values")))
    sizes, number, counts = np.unique(x, return_inverse=True, return_counts=True)
    means = np.bincount(number, y) / counts
    squares = np.bincount(number, (y - means[number]) ** 2)
    freedom = max(1, len(x) - len(sizes))
    pooled = squares.sum() / freedom
    if pooled <= _ROUNDING**2:
        return sizes, means, np.ones_like(sizes)
    own = np.where(counts > 1, squares / np.maximum(counts - 1, 1), pooled)
    return sizes, means, counts / (own + pooled)


def _logarithms(values: list[float], what: str) -> NDArray[np.float64]:
    array = finite(values, what, fewest=FEWEST_SIZES)
    if (array <= 0).any():
        raise BadArgument(f"An exponent needs positive {what}, got {array.min():g}.")
    return np.log(array)
