"""Two methods by the signs and ranks of their differences: Wilcoxon's test and its Bayesian form.

It stands apart because it needs neither normal differences nor standard errors.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from padimkit.report.differences import all_pairs, holm
from padimkit.report.statistics import Numbers, finite

EQUIVALENT = 0.005  # half a point: differences below it do not matter in practice
_DRAWS = 20_000
_PRIOR = 0.5  # weight of the observation of no difference that stands before the data


@dataclass(frozen=True)
class Belief:
    """Probabilities that the first method is worse, practically equal, or better."""

    worse: float
    equal: float
    better: float


def wilcoxon_p(first: Numbers, second: Numbers) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; 1 if all pairs are equal."""
    differences = finite(first, "first values", fewest=1) - finite(second, "second values", fewest=1)
    if not differences.any():
        return 1.0
    return float(wilcoxon(differences).pvalue)


def holm_wilcoxon(values: Mapping[str, Numbers]) -> dict[tuple[str, str], float]:
    """Return the p-values of all pairs of methods, adjusted for their number (Holm 1979).

    Args:
        values: For each method its values in the same categories in the same order.
    """
    pairs = all_pairs(list(values))
    found = holm([wilcoxon_p(values[one], values[other]) for one, other in pairs])
    return dict(zip(pairs, found, strict=True))


def bayesian_signed_rank(
    first: Numbers, second: Numbers, *, equivalent: float = EQUIVALENT, seed: int = 0
) -> Belief:
    """Return what the pairs make probable of the median difference (Benavoli et al. 2014, 2017).

    The posterior over distributions of the difference is a Dirichlet process with a prior observation of 0.

    Args:
        first: Values of one method, in the same categories as the others.
        second: Values of the other.
        equivalent: Methods whose difference is smaller are practically equal.
        seed: Of the draws.
    """
    differences = finite(first, "first values", fewest=1) - finite(second, "second values", fewest=1)
    shares = _drawn_shares(np.append(0.0, differences), equivalent, np.random.default_rng(seed))
    most = np.bincount(shares.argmax(axis=1), minlength=3) / len(shares)
    return Belief(*map(float, most))


def _drawn_shares(
    values: NDArray[np.float64], equivalent: float, random: np.random.Generator
) -> NDArray[np.float64]:
    """Return, for each draw of the posterior, the share of means of two values below, within and above."""
    weights = random.dirichlet([_PRIOR, *[1.0] * (len(values) - 1)], _DRAWS)
    means = (values[:, None] + values[None]) / 2
    kinds = (means < -equivalent, np.abs(means) <= equivalent, means > equivalent)
    return np.stack(
        [np.einsum("di,ij,dj->d", weights, kind, weights, optimize=True) for kind in kinds], axis=1
    )
