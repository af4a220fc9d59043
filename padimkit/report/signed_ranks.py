"""Two methods by the signs and ranks of their differences: Wilcoxon's test and its Bayesian form.

It stands apart because it needs neither normal differences nor standard errors.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, wilcoxon

from padimkit.report.differences import all_pairs, are_alike, holm, of_pairs
from padimkit.report.statistics import Numbers

EQUIVALENT = 0.005  # half a point: differences below it do not matter in practice
_DRAWS = 20_000
_MOST_EXACT = 50  # pairs, as for those of SciPy that do not tie
_PRIOR = 0.5  # weight of the observation of no difference that stands before the data


@dataclass(frozen=True)
class Belief:
    """Probabilities that the first method is worse, practically equal, or better."""

    worse: float
    equal: float
    better: float


def wilcoxon_p(first: Numbers, second: Numbers) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; 1 if all pairs are equal.

    It is exact for up to 50 pairs, tied ones too: by the normal distribution, five differences that are the
    same would have 0.025, and no five pairs have less than 0.0625.
    """
    differences = of_pairs(first, second)
    differences = differences[differences != 0]
    if len(differences) == 0:
        return 1.0
    sizes = np.abs(differences)
    if len(differences) <= _MOST_EXACT and len(np.unique(sizes)) < len(sizes):
        return _exact_p(rankdata(sizes), differences > 0)
    return float(wilcoxon(differences).pvalue)


def _exact_p(ranks: NDArray[np.float64], better: NDArray[np.bool_]) -> float:
    """Return the share of all assignments of signs whose sum of ranks is as far from the middle, or more."""
    doubled = np.rint(2 * ranks).astype(int)  # midranks are halves
    ways = np.ones(1)
    for rank in doubled:
        ways = np.append(ways, np.zeros(rank)) + np.append(np.zeros(rank), ways)
    found = int(doubled[better].sum())
    tail = min(ways[: found + 1].sum(), ways[found:].sum())
    return min(1.0, float(2 * tail / ways.sum()))


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
) -> Belief | None:
    """Return what the pairs make probable of the median difference (Benavoli et al. 2014, 2017).

    The posterior over distributions of the difference is a Dirichlet process with a prior observation of 0.

    Args:
        first: Values of one method, in the same categories as the others.
        second: Values of the other.
        equivalent: Methods whose difference is smaller are practically equal.
        seed: Of the draws.

    Returns:
        None if the difference is the same in all pairs: the posterior knows no other, and would be certain.
    """
    differences = of_pairs(first, second)
    if are_alike(differences):
        return None
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
