"""Differences between methods, of which all hold at once: whichever is the best, and however many there are.

It stands apart from the tables that show them: its intervals are simulated in `benchmarks/coverage.py`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nct, t

from padimkit.errors import BadArgument
from padimkit.report.statistics import Numbers, check_level, finite

_ROUNDING = 1e-12  # of the values: differences that vary by less are all the same
MOST_PAIRS = 10_000


@dataclass(frozen=True)
class Estimate:
    """An estimate with its standard error, which is above 0, and the degrees of freedom of that."""

    value: float
    error: float
    degrees: float


@dataclass(frozen=True)
class Difference:
    """A difference with limits and a p-value that hold for all comparisons of a table at once."""

    estimate: Estimate
    lower: float
    upper: float
    p_value: float


@dataclass(frozen=True)
class Runs:
    """The values of a method on one test set, a value for each seed, and what the test images do to them.

    Args:
        values: The metric values.
        influence: The influence of each test image on their mean; None if it is not known.
    """

    values: tuple[float, ...]
    influence: NDArray[np.float64] | None = None


def paired(first: Numbers, second: Numbers) -> Estimate | None:
    """Return the mean of `first` minus `second`, pair by pair, with Student's standard error.

    Returns:
        None if the difference is the same in all pairs, be it 0, which does not make it certain of others.

    Raises:
        BadArgument: There are fewer than two pairs, a value without a partner, or one that is not finite.
    """
    differences = of_pairs(first, second, fewest=2)
    if are_alike(differences):
        return None
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return Estimate(float(differences.mean()), error, len(differences) - 1)


def of_pairs(first: Numbers, second: Numbers, *, fewest: int = 1) -> NDArray[np.float64]:
    """Return `first` minus `second`; differences that differ by rounding alone are the same.

    Raises:
        BadArgument: There are too few pairs, a value without a partner, or one that is not finite.
    """
    ones, others = (
        finite(first, "first values", fewest=fewest),
        finite(second, "second values", fewest=fewest),
    )
    if len(ones) != len(others):
        raise BadArgument(f"Pairs were expected, got {len(ones)} first values and {len(others)} second ones.")
    rounding = _ROUNDING * max(np.abs(ones).max(), np.abs(others).max())
    differences: NDArray[np.float64] = ones - others
    order = np.argsort(differences)
    steps = np.diff(differences[order], prepend=differences[order[:1]]) > rounding
    differences[order] = differences[order][np.maximum.accumulate(np.where(steps, np.arange(len(order)), 0))]
    return np.where(np.abs(differences) <= rounding, 0.0, differences)


def are_alike(differences: NDArray[np.float64]) -> bool:
    """Return whether all of them are the same, so that nothing tells how much others vary."""
    return bool((differences == differences[0]).all())


def on_one_test_set(first: Runs, second: Runs, anomalous: Sequence[bool]) -> Estimate | None:
    """Return the difference of two methods that were tested on the same images, their seeds unrelated.

    The variance is that between the seeds of each method (Welch 1947), and that between test images of each
    kind, by their influence on the difference: for image AUROC this is the test of DeLong et al. (1988). A
    method with a single seed adds no variance of seeds.

    Args:
        first: Runs of one method.
        second: Runs of the other.
        anomalous: The kind of each test image.

    Returns:
        None if neither seeds nor images tell how much the difference varies: all seeds of a method may have
        the same value, such as 1, and a difference of one number from that is not certain.
    """
    seeds = [_of_seeds(first.values), _of_seeds(second.values)]
    return _on_images(first, second, seeds, anomalous)


def on_drawn_training_sets(first: Runs, second: Runs, anomalous: Sequence[bool]) -> Estimate | None:
    """Return the difference of two methods on the same test images, where each seed drew what both learnt.

    The variance is that between the differences of seeds, pair by pair, and that between test images, as in
    `on_one_test_set`.

    Args:
        first: Runs of one method.
        second: Runs of the other, of the same seeds in the same order.
        anomalous: The kind of each test image.

    Returns:
        None if neither seeds nor images tell how much the difference varies.

    Raises:
        BadArgument: There are fewer than two pairs, a value without a partner, or one that is not finite.
    """
    differences = of_pairs(first.values, second.values, fewest=2)
    seeds = [None if are_alike(differences) else _of_seeds(differences.tolist())]
    return _on_images(first, second, seeds, anomalous)


def _on_images(
    first: Runs, second: Runs, terms: Sequence[tuple[float, float] | None], anomalous: Sequence[bool]
) -> Estimate | None:
    """Return the difference, whose variance has these terms and those of the test images."""
    if first.influence is not None and second.influence is not None:
        terms = [*terms, *image_terms(first.influence - second.influence, anomalous)]
    known = [term for term in terms if term is not None]
    if not known:
        return None
    return _summed(float(np.mean(first.values) - np.mean(second.values)), known)


def simultaneous(
    estimates: Mapping[tuple[str, str], Estimate], *, level: float = 0.95
) -> dict[tuple[str, str], Difference]:
    """Return the differences with limits of Bonferroni and p-values of Holm (1979), for all of them at once.

    Given all pairs of methods, the differences from the best are among them, whichever is the best.
    """
    check_level(level)
    count = len(estimates)
    p_values = holm([_p_value(estimate) for estimate in estimates.values()])
    return {
        pair: _difference(estimate, p_value, count, level)
        for (pair, estimate), p_value in zip(estimates.items(), p_values, strict=True)
    }


def all_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return every pair of names, each once."""
    return list(combinations(names, 2))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for their number, step by step from the lowest (Holm 1979)."""
    array = np.asarray(p_values, float)
    order = np.argsort(array, kind="stable")
    steps = np.maximum.accumulate(array[order] * np.arange(len(array), 0, -1)) if len(array) else array
    adjusted = np.empty_like(array)
    adjusted[order] = np.minimum(steps, 1.0)
    return [float(value) for value in adjusted]


def pairs_needed(
    deviation: float, difference: float, *, power: float = 0.8, level: float = 0.95
) -> int | None:
    """Return the least number of pairs by which Student's test finds a difference with this probability.

    Args:
        deviation: The standard deviation of the paired differences.
        difference: The true difference.
        power: The probability of finding it.
        level: The confidence level of the two-sided test.

    Returns:
        None if 10,000 pairs are too few, or if nothing varied: that of others is not known then.
    """
    check_level(level)
    if deviation <= _ROUNDING:
        return None
    low, high = 2, MOST_PAIRS
    if _power(high, deviation, difference, level) < power:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (
            (low, middle) if _power(middle, deviation, difference, level) >= power else (middle + 1, high)
        )
    return low


def _power(pairs: int, deviation: float, difference: float, level: float) -> float:
    critical, centre = t.isf((1 - level) / 2, pairs - 1), difference * math.sqrt(pairs) / deviation
    above = nct.sf(critical, pairs - 1, centre)
    return 1.0 if math.isnan(above) else float(above)  # so far from 0 that it cannot be computed


def image_terms(
    influence: NDArray[np.float64], anomalous: Sequence[bool]
) -> list[tuple[float, float] | None]:
    """Return the variance that the test images of each kind add, with its degrees of freedom."""
    kinds = np.asarray(anomalous, bool)
    return [_of_images(influence[kinds]), _of_images(influence[~kinds])]


def _of_images(influence: NDArray[np.float64]) -> tuple[float, float] | None:
    count = len(influence)
    return (count * float(influence.var(ddof=1)), count - 1) if count > 1 else None


def _of_seeds(values: Sequence[float]) -> tuple[float, float] | None:
    count = len(values)
    return (float(np.var(values, ddof=1)) / count, count - 1) if count > 1 else None


def _summed(value: float, terms: Sequence[tuple[float, float]]) -> Estimate | None:
    """Return an estimate whose variance is the sum of these, with the degrees of Satterthwaite (1946)."""
    error = math.sqrt(sum(one for one, _ in terms))
    if error <= _ROUNDING:
        return None
    spread = sum(one**2 / degrees for one, degrees in terms)
    return Estimate(0.0 if abs(value) <= _ROUNDING else value, error, error**4 / spread)


def _p_value(estimate: Estimate) -> float:
    return float(2 * t.sf(abs(estimate.value) / estimate.error, estimate.degrees))


def _difference(estimate: Estimate, p_value: float, count: int, level: float) -> Difference:
    width = float(t.isf((1 - level) / (2 * count), estimate.degrees)) * estimate.error
    return Difference(estimate, estimate.value - width, estimate.value + width, p_value)
