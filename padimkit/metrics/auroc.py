"""The area under the ROC curve, of images and of pixels."""

from typing import final

from padimkit.contracts import HasInfluence, Metric, ReferenceValues
from padimkit.metrics._influence import PixelAUROCInfluence
from padimkit.metrics._sorted_scores import SortedScores
from padimkit.values import Batch, Prediction


@final
class ImageAUROC(Metric, ReferenceValues):
    """Area under the ROC curve of image scores, exact, from 0 to 1."""

    higher_is_better = True
    perfect, uninformative = 1.0, 0.5

    def __init__(self) -> None:
        self._scores = SortedScores("image_auroc", "image")

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add image scores and labels."""
        self._scores.add(prediction, truth)

    def compute(self) -> float:
        """Return the probability that an anomalous image scores higher than a normal one; ties count half."""
        self._scores.require_both()
        return self._scores.share_of_wins()

    def reset(self) -> None:
        """Forget all images."""
        self._scores.clear()


@final
class PixelAUROC(Metric, ReferenceValues, HasInfluence):
    """Area under the ROC curve of the pixels of all images together, exact, from 0 to 1.

    It keeps 4 bytes per pixel of the test set, at most 0.8 GB of them in memory and the rest in files.
    """

    higher_is_better = True
    perfect, uninformative = 1.0, 0.5

    def __init__(self) -> None:
        self._scores = SortedScores("pixel_auroc", "pixel")

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add anomaly maps and masks."""
        self._scores.add(prediction, truth)

    def compute(self) -> float:
        """Return the probability that an anomalous pixel scores higher than a normal one; ties count half."""
        self._scores.require_both()
        return self._scores.share_of_wins()

    def influence(self) -> PixelAUROCInfluence:
        """Return a collector of the influence of each image."""
        return PixelAUROCInfluence()

    def reset(self) -> None:
        """Forget all pixels."""
        self._scores.clear()
