"""Metrics at one threshold: the lowest at which normal images, or pixels, keep a false positive rate."""

from abc import abstractmethod
from typing import ClassVar, final

from padimkit.arguments.checked import Checked
from padimkit.contracts import Metric, ReferenceValues
from padimkit.errors import BadArgument
from padimkit.metrics._sorted_scores import SortedScores
from padimkit.metrics._truth import Level
from padimkit.values import Batch, Prediction


class OperatingPointMetric(Metric):
    """A metric at the lowest threshold that at most a share of the normal images, or pixels, reaches.

    The threshold is one of the test set, in favour of all methods alike; a calibration promises one without
    it. That of pixels keeps 4 bytes per pixel, at most 0.8 GB of them in memory and the rest in files.

    Args:
        max_fpr: The share of normal images, or of normal pixels, that may reach the threshold.
    """

    checked: ClassVar[Checked] = Checked(arguments={"max_fpr": 0.2})

    higher_is_better = True
    name: ClassVar[str]
    level: ClassVar[Level]

    def __init__(self, max_fpr: float) -> None:
        self.max_fpr = max_fpr
        if not 0 <= max_fpr < 1:
            raise BadArgument(f'Expected "max_fpr" from 0 to below 1, got {max_fpr}.')
        self._scores = SortedScores(self.name, self.level)

    @abstractmethod
    def value(self, true: int, false: int, anomalous: int) -> float:
        """Return the metric value.

        Args:
            true: The number of anomalous ones that reach the threshold.
            false: The number of normal ones that reach it.
            anomalous: The number of all anomalous ones.
        """

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add scores and labels, or maps and masks."""
        self._scores.add(prediction, truth)

    def compute(self) -> float:
        """Return the metric value at the threshold."""
        self._scores.require_both()
        return self.value(*self._scores.found_at(self.max_fpr), self._scores.anomalous.count)

    def reset(self) -> None:
        """Forget all images."""
        self._scores.clear()


@final
class ImageSensitivity(OperatingPointMetric, ReferenceValues):
    """Share of the anomalous images that is found at a false positive rate, from 0 to 1."""

    name, level = "image_sensitivity", "image"
    perfect, uninformative = 1.0, 0.0

    def value(self, true: int, false: int, anomalous: int) -> float:
        """Return the share of the anomalous images that reach the threshold."""
        return true / anomalous


@final
class PixelSensitivity(OperatingPointMetric, ReferenceValues):
    """Share of the anomalous pixels that is found at a false positive rate, from 0 to 1."""

    name, level = "pixel_sensitivity", "pixel"
    perfect, uninformative = 1.0, 0.0

    def value(self, true: int, false: int, anomalous: int) -> float:
        """Return the share of the anomalous pixels that reach the threshold."""
        return true / anomalous


@final
class PixelIoU(OperatingPointMetric):
    """Intersection over union of all masks with what is found at a false positive rate, from 0 to 1."""

    name, level = "pixel_iou", "pixel"

    def value(self, true: int, false: int, anomalous: int) -> float:
        """Return the anomalous pixels found, divided by those that are anomalous or found."""
        return true / (anomalous + false)
