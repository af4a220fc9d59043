"""The sorted scores of normal and of anomalous images or pixels, and counts above thresholds."""

from collections.abc import Iterator
from typing import final

import numpy as np
from jaxtyping import Float64, Int32, Int64

from padimkit.metrics._sorted_runs import Runs, keys
from padimkit.metrics._truth import Comparison, Level
from padimkit.values import Batch, Prediction

_CHUNK = 2**18  # ranks are 64-bit: chunks keep them small beside the scores


@final
class SortedScores:
    """The scores of a test set, exact and in bounded memory.

    Args:
        metric: The name of the metric that needs them, for its messages.
        level: Whose scores they are.
    """

    def __init__(self, metric: str, level: Level) -> None:
        self._comparison = Comparison(metric, level)
        self.normal, self.anomalous = Runs(), Runs()

    def clear(self) -> None:
        """Forget all scores."""
        self._comparison.clear()
        self.normal.clear()
        self.anomalous.clear()

    def add(self, prediction: Prediction, truth: Batch) -> None:
        """Add a batch."""
        scores, anomalous = self._comparison.pair(prediction, truth)
        # Image by image: temporary arrays of one map fit in a cache.
        for some, where in zip(scores, anomalous, strict=True) if scores.ndim > 1 else [(scores, anomalous)]:
            self.normal.add(keys(some[~where]))
            self.anomalous.add(keys(some[where]))

    def require_both(self) -> None:
        """Raise UndefinedMetric if truth is missing, or if everything is normal or everything anomalous."""
        self._comparison.require_both()

    def share_of_wins(self) -> float:
        """Return the share of pairs in which the anomalous score is the higher one; ties count half."""
        return share_of_wins(self.normal, self.anomalous)

    def found(self) -> Iterator[tuple[Int64[np.ndarray, " _"], Int64[np.ndarray, " _"]]]:
        """Yield, for thresholds at each anomalous score, how many anomalous and normal scores reach them.

        A score that occurs several times gives as many equal pairs of counts.
        """
        for chunk in chunks(self.anomalous):
            yield reaching(self.anomalous, chunk), reaching(self.normal, chunk)

    def found_at(self, max_fpr: float) -> tuple[int, int]:
        """Return how many anomalous and normal scores reach the lowest threshold of this false positive rate.

        At most this share of the normal scores reaches it.
        """
        wanted = np.array([np.floor(max_fpr * self.normal.count * (1 + 1e-12))])  # 0.29 of 100 is 29
        threshold = lowest_thresholds(self.normal, wanted)
        return int(reaching(self.anomalous, threshold)[0]), int(reaching(self.normal, threshold)[0])


def share_of_wins(low: Runs, high: Runs) -> float:
    """Return the share of all pairs in which the value from `high` is the higher one; ties count half.

    This is the Mann-Whitney U statistic divided by the number of pairs.
    """
    if high.count > low.count:
        return 1 - share_of_wins(high, low)  # each value of the smaller set costs a search in the larger
    twice_the_wins = 0
    for chunk in chunks(high):
        below, not_above = low.ranks(chunk)
        twice_the_wins += int(below.sum()) + int(not_above.sum())
    return twice_the_wins / (2 * low.count * high.count)


def chunks(runs: Runs) -> Iterator[Int32[np.ndarray, " _"]]:
    """Yield sorted pieces of the values, small enough for 64-bit ranks of them."""
    for run in runs:
        for start in range(0, run.size, _CHUNK):
            yield run[start : start + _CHUNK]


def reaching(runs: Runs, thresholds: Int32[np.ndarray, " k"]) -> Int64[np.ndarray, " k"]:
    """Return how many values reach each threshold."""
    below, _ = runs.ranks(thresholds)
    counts: Int64[np.ndarray, " k"] = runs.count - below
    return counts


def lowest_thresholds(normal: Runs, wanted: Float64[np.ndarray, " k"]) -> Int32[np.ndarray, " k"]:
    """Return, for each number, the lowest threshold that at most this many normal scores reach."""
    low = np.full(wanted.size, np.iinfo(np.int32).min, np.int64)
    high = np.full(wanted.size, np.iinfo(np.int32).max, np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        enough = reaching(normal, middle.astype(np.int32)) <= wanted
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    return high.astype(np.int32)
