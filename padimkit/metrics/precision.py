"""Metrics of precision and recall: average precision and the highest F1 score, of images and of pixels."""

from abc import abstractmethod
from typing import ClassVar, final

import numpy as np

from padimkit.contracts import Metric
from padimkit.metrics._sorted_scores import SortedScores
from padimkit.metrics._truth import Level
from padimkit.values import Batch, Prediction


class PrecisionMetric(Metric):
    """A metric of precision and recall at all thresholds; its value for uninformative scores depends on data.

    That of pixels keeps 4 bytes per pixel of the test set, at most 0.8 GB of them in memory and the rest in
    files.
    """

    higher_is_better = True
    name: ClassVar[str]
    level: ClassVar[Level]

    def __init__(self) -> None:
        self._scores = SortedScores(self.name, self.level)

    @abstractmethod
    def value(self, scores: SortedScores) -> float:
        """Return the metric value of scores, of which some are normal and some anomalous."""

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add scores and labels, or maps and masks."""
        self._scores.add(prediction, truth)

    def compute(self) -> float:
        """Return the metric value over all images or pixels."""
        self._scores.require_both()
        return self.value(self._scores)

    def reset(self) -> None:
        """Forget all images."""
        self._scores.clear()


@final
class ImageAveragePrecision(PrecisionMetric):
    """Average precision of image scores, exact, from 0 to 1: precision weighted by gain of recall."""

    name, level = "image_average_precision", "image"

    def value(self, scores: SortedScores) -> float:
        """Return the average precision."""
        return average_precision(scores)


@final
class PixelAveragePrecision(PrecisionMetric):
    """Average precision of the pixels of all images together, exact, from 0 to 1."""

    name, level = "pixel_average_precision", "pixel"

    def value(self, scores: SortedScores) -> float:
        """Return the average precision."""
        return average_precision(scores)


@final
class ImageF1Max(PrecisionMetric):
    """The highest F1 score of images, exact, from 0 to 1, at a threshold that the test set itself chooses."""

    name, level = "image_f1_max", "image"

    def value(self, scores: SortedScores) -> float:
        """Return the highest F1 score."""
        return highest_f1(scores)


@final
class PixelF1Max(PrecisionMetric):
    """The highest F1 score of the pixels of all images together, exact, from 0 to 1.

    The test set itself chooses the threshold. The highest intersection over union is F1 / (2 - F1).
    """

    name, level = "pixel_f1_max", "pixel"

    def value(self, scores: SortedScores) -> float:
        """Return the highest F1 score."""
        return highest_f1(scores)


def average_precision(scores: SortedScores) -> float:
    """Return the mean precision at the scores of all anomalous ones; those with equal scores come at once."""
    total = sum(float((true / (true + false)).sum()) for true, false in scores.found())
    return total / scores.anomalous.count


def highest_f1(scores: SortedScores) -> float:
    """Return the highest F1 score of all thresholds; it is at the score of something anomalous."""
    anomalous = scores.anomalous.count
    return max(float(np.max(2 * true / (anomalous + true + false))) for true, false in scores.found())
