"""Statistics of several runs and methods: spread and ranks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import friedmanchisquare, rankdata, studentized_range

from padimkit.errors import BadArgument

Numbers = Sequence[float | int]
FEWEST_METHODS, FEWEST_CATEGORIES = 3, 5


@dataclass(frozen=True)
class MeanSpread:
    """The mean of `count` values and their sample standard deviation, 0 for a single value."""

    mean: float
    deviation: float
    count: int

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        return self.deviation / math.sqrt(self.count)


@dataclass(frozen=True)
class Interval:
    """An estimate and the limits of its confidence interval."""

    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Ranking:
    """Methods by their mean rank over categories, the best first.

    Args:
        names: Names of the methods.
        mean_ranks: Mean ranks in the order of the names; 1 is the best.
        statistic: Friedman's chi-square.
        p_value: Probability of at least this statistic if all methods are equally good.
        critical_difference: Mean ranks that differ by less are not significantly different.
    """

    names: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    statistic: float
    p_value: float
    critical_difference: float


def spread(values: Numbers) -> MeanSpread:
    """Return the mean and the sample standard deviation of some values.

    Raises:
        BadArgument: There are none, or one is not finite.
    """
    array = finite(values, "values", fewest=1)
    deviation = float(array.std(ddof=1)) if len(array) > 1 else 0.0
    return MeanSpread(float(array.mean()), deviation, len(array))


def ranking(values: Mapping[str, Numbers], *, level: float = 0.95) -> Ranking:
    """Rank methods by Friedman's test and Nemenyi's critical difference (Demsar 2006, JMLR 7, section 3.2.2).

    Args:
        values: For each method its values in the same categories in the same order; higher is better.
        level: Confidence level: 1 minus the family-wise probability of a false difference.

    Raises:
        BadArgument: There are fewer than three methods or five categories, methods with different numbers of
            categories, or values that are not finite.
    """
    check_level(level)
    table = _table(values)
    ranks = rankdata(-table, axis=0)
    statistic, p_value = _friedman(table)
    order = np.argsort(ranks.mean(axis=1), kind="stable")
    names = tuple(values)
    return Ranking(
        tuple(names[index] for index in order),
        tuple(float(rank) for rank in ranks.mean(axis=1)[order]),
        statistic,
        p_value,
        _critical_difference(len(table), table.shape[1], level),
    )


def finite(values: Numbers, what: str, *, fewest: int) -> NDArray[np.float64]:
    """Return the values as an array of float64, checked.

    Raises:
        BadArgument: There are fewer than `fewest`, or one is not finite.
    """
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or len(array) < fewest:
        raise BadArgument(f"At least {fewest} {what} were expected, got {array.size}.")
    if not np.isfinite(array).all():
        places = np.flatnonzero(~np.isfinite(array)).tolist()
        raise BadArgument(f"Among the {what}, those at {places} are not finite. Leave them out.")
    return array


def check_level(level: float) -> None:
    """Refuse a confidence level that is not a probability.

    Raises:
        BadArgument: It is not above 0 and below 1.
    """
    if not 0 < level < 1:
        raise BadArgument(f"level is a probability above 0 and below 1, got {level}.")


def _table(values: Mapping[str, Numbers]) -> NDArray[np.float64]:
    """Return the values as an array, methods x categories."""
    if len(values) < FEWEST_METHODS:
        raise BadArgument(
            f"Ranks are compared among {FEWEST_METHODS} or more methods, got {len(values)}. "
            "For two, see their paired difference."
        )
    rows = [finite(row, f'values of "{name}"', fewest=FEWEST_CATEGORIES) for name, row in values.items()]
    if len({len(row) for row in rows}) > 1:
        counts = ", ".join(f'"{name}" {len(row)}' for name, row in values.items())
        raise BadArgument(
            f"One value per category was expected of each method, got different counts: {counts}."
        )
    return np.stack(rows)


def _friedman(table: NDArray[np.float64]) -> tuple[float, float]:
    if (table == table[0]).all():
        return 0.0, 1.0  # all tie everywhere; the correction for ties would divide by zero
    result = friedmanchisquare(*table)
    return float(result.statistic), float(result.pvalue)


def _critical_difference(methods: int, categories: int, level: float) -> float:
    quantile = float(studentized_range.isf(1 - level, methods, np.inf)) / np.sqrt(2)
    return float(quantile * np.sqrt(methods * (methods + 1) / (6 * categories)))
