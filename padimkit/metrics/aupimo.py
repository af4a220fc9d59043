"""The area under the curve of per-image overlap, against false positives on normal images alone."""

import math
from typing import final

import numpy as np

from padimkit.arguments.checked import Checked
from padimkit.contracts import Metric, ReferenceValues
from padimkit.errors import BadArgument, UndefinedMetric
from padimkit.metrics._overlap import Overlap
from padimkit.metrics._sorted_scores import reaching
from padimkit.metrics._truth import Comparison
from padimkit.values import Batch, Prediction


@final
class AUPIMO(Metric, ReferenceValues):
    """Mean over anomalous images of the area under recall between two false positive rates, from 0 to 1.

    The rates are those of the pixels of normal images, and their axis is logarithmic (Bertoldo et al. 2024,
    arXiv 2401.01984, for maps of one size). The recall at a rate is that of the lowest threshold which keeps
    the rate, without interpolation. Anomalous images without an anomalous pixel in what the pipeline sees
    are left out. It keeps 4 bytes per pixel of normal images and 8 per anomalous one, at most
    1.2 GB of them in memory and the rest in files.

    Args:
        min_fpr: The false positive rate at which the area begins.
        max_fpr: The one at which it ends.
    """

    checked = Checked(arguments={"min_fpr": 0.01, "max_fpr": 0.3})  # the images of the checks are small

    higher_is_better = True
    perfect, uninformative = 1.0, 0.0

    def __init__(self, min_fpr: float = 1e-5, max_fpr: float = 1e-4) -> None:
        self.min_fpr = min_fpr
        self.max_fpr = max_fpr
        if not 0 < min_fpr < max_fpr < 1:
            raise BadArgument(f'Expected 0 < "min_fpr" < "max_fpr" < 1, got {min_fpr} and {max_fpr}.')
        self._comparison = Comparison("aupimo", "pixel")
        self._overlap = Overlap()
        self._images_without_label = 0

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add anomaly maps, labels and masks."""
        maps, masks = self._comparison.pair(prediction, truth)
        if truth.labels is None:
            self._images_without_label += len(truth.paths)
            return
        for scores, mask, anomalous in zip(maps, masks, truth.labels.tolist()[: len(maps)], strict=True):
            if not anomalous:
                self._overlap.add_normal(scores.ravel())
            elif mask.any():
                found = scores[mask]
                self._overlap.add_regions(found, np.full(found.size, found.size, np.int64), regions=1)

    def compute(self) -> float:
        """Return the mean over the anomalous images in which something anomalous is seen.

        Raises:
            UndefinedMetric: Labels or masks are missing, or there are no normal images or no anomalous ones.
        """
        if self._images_without_label:
            raise UndefinedMetric(f"aupimo needs labels, but {self._images_without_label} images have none.")
        self._comparison.require_both()
        if not self._overlap.normal.count or not self._overlap.regions:
            absent = "anomalous" if self._overlap.normal.count else "normal"
            raise UndefinedMetric(f"aupimo needs normal and anomalous images, found 0 {absent} ones.")
        total = 0.0
        for scores, sizes in self._overlap.pixels():
            rates = reaching(self._overlap.normal, scores) / self._overlap.normal.count
            spans = np.log(self.max_fpr / np.clip(rates, self.min_fpr, self.max_fpr))
            total += float((spans / sizes).sum())
        return total / self._overlap.regions / math.log(self.max_fpr / self.min_fpr)

    def reset(self) -> None:
        """Forget all pixels."""
        self._comparison.clear()
        self._overlap.clear()
        self._images_without_label = 0
