"""Growth of times and sizes with the size of a problem."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from padimkit.benchmark.record import Expectation
from padimkit.errors import BadArgument
from padimkit.report.entries import Entry
from padimkit.report.formatting import Cost
from padimkit.report.statistics import RESAMPLES, Interval, Numbers, check_level, finite
from padimkit.report.study import Study

FEWEST_SIZES = 3


def growth(sizes: Numbers, values: Numbers, *, seed: int = 0, level: float = 0.95) -> Interval:
    """Return the exponent k of values ~ sizes ** k, the least-squares slope between logarithms.

    The interval is the percentile bootstrap over points, without resamples that have a single size. It is a
    little too narrow: with noise of the same strength at all sizes, an interval of 95 % contains the truth in
    about 90 % of cases.

    Args:
        sizes: Sizes, repeated where several values were measured.
        values: One value per size.
        seed: Fixes the resamples.
        level: Nominal share of intervals that contain the truth.

    Raises:
        BadArgument: There are fewer than three different sizes, a size without a value, or a number that is
            not positive and finite.
    """
    check_level(level)
    x, y = _logarithms(sizes, "sizes"), _logarithms(values, "values")
    if len(x) != len(y):
        raise BadArgument(f"One value per size was expected, got {len(y)} values for {len(x)} sizes.")
    if len(np.unique(x)) < FEWEST_SIZES:
        raise BadArgument(
            f"An exponent needs at least {FEWEST_SIZES} different sizes, got {len(np.unique(x))}."
        )
    drawn = np.random.default_rng(seed).integers(len(x), size=(RESAMPLES, len(x)))
    drawn = drawn[np.ptp(x[drawn], axis=1) > 0]
    slopes = _slope(x[drawn], y[drawn])
    lower, upper = np.quantile(slopes, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(_slope(x, y)), float(lower), float(upper))


def _logarithms(values: Numbers, what: str) -> NDArray[np.float64]:
    array = finite(values, what, fewest=FEWEST_SIZES)
    if (array <= 0).any():
        raise BadArgument(f"An exponent needs positive {what}, got {array.min():g}.")
    return np.log(array)


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the slopes along the last axis."""
    deviations = x - x.mean(axis=-1, keepdims=True)
    return np.asarray((deviations * y).sum(axis=-1) / (deviations**2).sum(axis=-1))


@dataclass(frozen=True)
class Line:
    """A method's entries, ordered by the varied quantity; `fixed` names the other ones with their values."""

    method: str
    fixed: str
    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        return f"{self.method} ({self.fixed})" if self.fixed else self.method

    def points(self, varied: str, cost: Cost) -> list[tuple[float, float]]:
        """Return size and cost of those entries whose cost was measured and is positive."""
        pairs = [(entry.record.cell.varied[varied], cost.of(entry.record)) for entry in self.entries]
        return [(size, value) for size, value in pairs if value is not None and size > 0 and value > 0]

    def expected(self, varied: str, cost: Cost) -> Expectation | None:
        """Return the exponent that theory gives for large sizes; None unless all entries agree."""
        found = {entry.record.expected_growth.get(varied, {}).get(cost.stage) for entry in self.entries}
        return found.pop() if len(found) == 1 else None


def growth_lines(study: Study) -> dict[tuple[str, str], list[Line]]:
    """Return the lines of each varied quantity and place."""
    grouped: dict[tuple[str, str], dict[tuple[str, str], list[Entry]]] = {}
    for entry in study.varied:
        cell = entry.record.cell
        for name in cell.varied:
            rest = ", ".join(f"{key} = {value:g}" for key, value in cell.varied.items() if key != name)
            lines = grouped.setdefault((name, entry.place), {})
            lines.setdefault((cell.method, rest), []).append(entry)
    return {
        (name, where): [
            Line(method, rest, tuple(sorted(entries, key=lambda entry: entry.record.cell.varied[name])))
            for (method, rest), entries in lines.items()
        ]
        for (name, where), lines in grouped.items()
    }
