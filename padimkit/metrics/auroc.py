"""Area under the ROC curve, of images and of pixels."""

from typing import final

import numpy as np

from padimkit.contracts import Metric
from padimkit.metrics.pool import FlatScores, Pool
from padimkit.values import Batch, Prediction

_CHUNK = 2**16  # ranks are 64-bit: keeps them small beside the scores


@final
class ImageAUROC(Metric):
    """Area under the ROC curve of image scores, exact, from 0 to 1."""

    higher_is_better = True

    def __init__(self) -> None:
        self._pool = Pool("image_auroc", "image")

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Takes in image scores and labels."""
        self._pool.add(prediction, truth)

    def compute(self) -> float:
        """The probability that an anomalous image scores higher than a normal one; ties count half."""
        return _auroc(self._pool)

    def reset(self) -> None:
        """Forgets all images."""
        self._pool.clear()


@final
class PixelAUROC(Metric):
    """Area under the ROC curve of the pixels of all images together, exact, from 0 to 1.

    It keeps 4 bytes per pixel of the test set, and while it computes another 4.
    """

    higher_is_better = True

    def __init__(self) -> None:
        self._pool = Pool("pixel_auroc", "pixel")

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Takes in anomaly maps and masks."""
        self._pool.add(prediction, truth)

    def compute(self) -> float:
        """The probability that an anomalous pixel scores higher than a normal one; ties count half."""
        return _auroc(self._pool)

    def reset(self) -> None:
        """Forgets all pixels."""
        self._pool.clear()


def share_of_wins(low: FlatScores, high: FlatScores) -> float:
    """The share of all pairs in which the score from `high` is the higher one; ties count half.

    It is the Mann-Whitney U statistic divided by the number of pairs. Both arrays are sorted.
    """
    if high.size > low.size:
        return 1 - share_of_wins(high, low)  # each score of the smaller array costs a search in the larger
    twice_the_wins = 0
    for start in range(0, high.size, _CHUNK):
        chunk = high[start : start + _CHUNK]
        below = low.searchsorted(chunk, side="left")
        not_above = low.searchsorted(chunk, side="right")
        twice_the_wins += int(below.sum()) + int(not_above.sum())
    return twice_the_wins / (2 * low.size * high.size)


def _auroc(pool: Pool) -> float:
    normal, groups = pool.split()
    anomalous = np.concatenate(groups)
    normal.sort()
    anomalous.sort()
    return share_of_wins(normal, anomalous)
