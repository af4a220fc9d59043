"""The metric old_metric, one number for a whole test set."""

import torch
from padimkit import Batch, ReferenceValues, Metric, Prediction, UndefinedMetric


class OldMetric(Metric, ReferenceValues):
    """The share of anomalous images that score above all normal ones: found without a single false alarm."""

    higher_is_better = True
    perfect, uninformative = 1.0, 0.0  # known beforehand, so that the checks can compare

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self._normal, self._anomalous = torch.empty(0), torch.empty(0)

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add the scores and labels of one batch of images."""
        if truth.labels is None:
            raise UndefinedMetric("old_metric needs a label for each test image.")
        scores, labels = prediction.image_scores.cpu(), truth.labels.cpu()
        self._normal = torch.cat([self._normal, scores[~labels]])
        self._anomalous = torch.cat([self._anomalous, scores[labels]])

    def compute(self) -> float:
        """Return the metric value of all batches since the last reset."""
        if not len(self._normal) or not len(self._anomalous):
            raise UndefinedMetric("old_metric needs normal and anomalous test images.")
        return float((self._anomalous > self._normal.max()).float().mean())
