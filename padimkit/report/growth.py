"""Growth of times and sizes with the size of a problem."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


_ALL = ("fit", "predict", "score", "peak fit", "model")
_ALIKE = {"density fit": "fit", "fitted": "model", "disk": "model"}
# Exponents by density, by what is varied, in the order of _ALL. PaDiM's moments do not grow with the images
# (once there are more than channels: until then it keeps samples, fewer than moments), its distances take
# d * d products and its factors d * d * d. SPADE keeps everything, and compares all positions with all.
_EXPONENTS: dict[str, dict[str, tuple[tuple[int, int], ...]]] = {
    "gaussian": {
        "train_images": ((1, 1), (0, 0), (0, 0), (0, 0), (0, 0)),
        "resolution": ((2, 2), (2, 2), (2, 2), (2, 2), (2, 2)),
        "keep": ((2, 3), (2, 2), (2, 2), (2, 2), (2, 2)),
    },
    "spade": {
        "train_images": ((1, 1), (0, 0), (0, 0), (1, 1), (1, 1)),
        "resolution": ((2, 2), (2, 4), (4, 4), (2, 2), (2, 2)),
        "gallery_neighbours": ((0, 0), (1, 1), (1, 1), (0, 0), (0, 0)),
    },
}


@dataclass(frozen=True)
class Expectation:
    """An exponent, or two between which it lies."""

    lower: int
    upper: int

    def __str__(self) -> str:
        return f"{self.lower:g}" if self.lower == self.upper else f"{self.lower:g} to {self.upper:g}"


def expected(settings: Mapping[str, Any], varied: str, cost: str) -> Expectation | None:
    """The exponent that theory gives, for large sizes; None where it says nothing.

    Args:
        settings: Of a record.
        varied: What is varied: train_images, resolution, or a key of the pipeline.
        cost: A name in a record's `seconds` or `bytes`.
    """
    density = settings.get("pipeline", {}).get("density", {}).get("class_path")
    rows = _EXPONENTS.get(density, {}).get(varied.rpartition(".")[2])
    stem = cost.split(" ")[0]
    name = stem if stem in ("predict", "score") else _ALIKE.get(cost, cost)
    return Expectation(*rows[_ALL.index(name)]) if rows and name in _ALL else None


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
        pairs = [(entry.record.varied[varied], cost.of(entry.record)) for entry in self.entries]
        return [(size, value) for size, value in pairs if value is not None and size > 0 and value > 0]


def growth_lines(study: Study) -> dict[tuple[str, str], list[Line]]:
    """Return the lines of each varied quantity and place."""
    grouped: dict[tuple[str, str], dict[tuple[str, str], list[Entry]]] = {}
    for entry in study.varied:
        for name in entry.record.varied:
            rest = ", ".join(
                f"{key} = {value:g}" for key, value in entry.record.varied.items() if key != name
            )
            lines = grouped.setdefault((name, entry.place), {})
            lines.setdefault((entry.record.method, rest), []).append(entry)
    return {
        (name, where): [
            Line(method, rest, tuple(sorted(entries, key=lambda entry: entry.record.varied[name])))
            for (method, rest), entries in lines.items()
        ]
        for (name, where), lines in grouped.items()
    }
