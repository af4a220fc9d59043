"""The area under the ROC curve, of images and of pixels."""

from typing import final

from padimkit.contracts import Metric, ReferenceValues
from padimkit.metrics._sorted_runs import Runs, keys
from padimkit.metrics._truth import Comparison
from padimkit.values import Batch, Prediction

_CHUNK = 2**18  # ranks are 64-bit: chunks keep them small beside the scores


@final
class ImageAUROC(Metric, ReferenceValues):
    """Area under the ROC curve of image scores, exact, from 0 to 1."""

    higher_is_better = True
    perfect, uninformative = 1.0, 0.5

    def __init__(self) -> None:
        self._scores = _Scores(Comparison("image_auroc", "image"))

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add image scores and labels."""
        self._scores.add(prediction, truth)

    def compute(self) -> float:
        """Return the probability that an anomalous image scores higher than a normal one; ties count half."""
        return self._scores.auroc()

    def reset(self) -> None:
        """Forget all images."""
        self._scores.clear()


@final
class PixelAUROC(Metric, ReferenceValues):
    """Area under the ROC curve of the pixels of all images together, exact, from 0 to 1.

    It keeps 4 bytes per pixel of the test set, at most 0.8 GB of them in memory and the rest in files.
    """

    higher_is_better = True
    perfect, uninformative = 1.0, 0.5

    def __init__(self) -> None:
        self._scores = _Scores(Comparison("pixel_auroc", "pixel"))

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add anomaly maps and masks."""
        self._scores.add(prediction, truth)

    def compute(self) -> float:
        """Return the probability that an anomalous pixel scores higher than a normal one; ties count half."""
        return self._scores.auroc()

    def reset(self) -> None:
        """Forget all pixels."""
        self._scores.clear()


@final
class _Scores:
    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._normal, self._anomalous = Runs(), Runs()

    def clear(self) -> None:
        self._comparison.clear()
        self._normal.clear()
        self._anomalous.clear()

    def add(self, prediction: Prediction, truth: Batch) -> None:
        scores, anomalous = self._comparison.pair(prediction, truth)
        # Image by image: temporary arrays of one map fit in a cache.
        for some, where in zip(scores, anomalous, strict=True) if scores.ndim > 1 else [(scores, anomalous)]:
            self._normal.add(keys(some[~where]))
            self._anomalous.add(keys(some[where]))

    def auroc(self) -> float:
        self._comparison.require_both()
        return share_of_wins(self._normal, self._anomalous)


def share_of_wins(low: Runs, high: Runs) -> float:
    """Return the share of all pairs in which the value from `high` is the higher one; ties count half.

    This is the Mann-Whitney U statistic divided by the number of pairs.
    """
    if high.count > low.count:
        return 1 - share_of_wins(high, low)  # each value of the smaller set costs a search in the larger
    twice_the_wins = 0
    for run in high:
        for start in range(0, run.size, _CHUNK):
            chunk = run[start : start + _CHUNK]
            below, not_above = low.ranks(chunk)
            twice_the_wins += int(below.sum()) + int(not_above.sum())
    return twice_the_wins / (2 * low.count * high.count)
