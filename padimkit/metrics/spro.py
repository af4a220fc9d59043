"""The area under the saturated per-region overlap curve."""

from typing import final

import numpy as np
from jaxtyping import Bool, Float32, Float64

from padimkit.contracts import HasCurve, Metric, ReferenceValues
from padimkit.errors import BadArgument, BadShape, UndefinedMetric
from padimkit.metrics._overlap import Overlap
from padimkit.metrics._regions import region_numbers
from padimkit.metrics._truth import Comparison
from padimkit.values import Batch, Defect, Prediction


@final
class SPRO(Metric, ReferenceValues, HasCurve):
    """Area under the curve of saturated per-region overlap against false positive rate, exact, from 0 to 1.

    A region counts as found as soon as a share of it is, where its data set states one, as MVTec LOCO AD
    does for each kind of defect (Bergmann et al. 2022, IJCV 130): its overlap is the number of its pixels
    that are found, divided by that share of all of them, and at most 1. Where a data set tells no
    regions apart, they are the 8-connected ones of masks, which do not saturate: the value is that of `pro`.
    It keeps 4 bytes per normal pixel of the test set and 8 per anomalous one, at most 1.2 GB of them in
    memory and the rest in files.

    Args:
        max_fpr: The false positive rate at which the area ends, and by which it is divided.
    """

    higher_is_better = True
    perfect = 1.0

    def __init__(self, max_fpr: float = 0.05) -> None:
        self.max_fpr = max_fpr
        if not 0 < max_fpr <= 1:
            raise BadArgument(f'Expected "max_fpr" above 0 and up to 1, got {max_fpr}.')
        self._comparison = Comparison("spro", "pixel")
        self._overlap = Overlap()

    @property
    def uninformative(self) -> float:
        """The area under the diagonal up to `max_fpr`, divided by `max_fpr`."""
        return self.max_fpr / 2

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add anomaly maps, masks and defects."""
        maps, masks = self._comparison.pair(prediction, truth)
        told: tuple[tuple[Defect, ...], ...] | None = truth.defects
        for index, (scores, mask) in enumerate(zip(maps, masks, strict=True)):
            self._overlap.add_normal(scores[~mask])
            if told is None:
                self._add_connected(scores, mask)
            else:
                self._add_told(scores, told[index], truth.paths[index])

    def compute(self) -> float:
        """Return the area under the mean overlap of all regions, up to `max_fpr`, divided by `max_fpr`."""
        self._require_regions()
        return self._overlap.area(self.max_fpr)

    def curve(self, points: int) -> tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, " k"]]:
        """Return points of the curve up to `max_fpr`: false positive rates and the mean overlap at each."""
        self._require_regions()
        return self._overlap.curve(points, self.max_fpr)

    def reset(self) -> None:
        """Forget all pixels."""
        self._comparison.clear()
        self._overlap.clear()

    def _require_regions(self) -> None:
        self._comparison.require_both()
        if not self._overlap.regions:
            raise UndefinedMetric("spro needs a defect, but the data set tells none of its images.")

    def _add_connected(self, scores: Float32[np.ndarray, "H W"], mask: Bool[np.ndarray, "H W"]) -> None:
        if mask.any():
            numbers, count = region_numbers(mask)
            self._overlap.add_regions(scores[mask], np.bincount(numbers)[numbers], regions=count)

    def _add_told(self, scores: Float32[np.ndarray, "H W"], told: tuple[Defect, ...], path: str) -> None:
        for defect in told:
            inside = defect.mask.cpu().numpy()
            if inside.shape != scores.shape:
                raise BadShape(
                    f"A defect of {inside.shape} pixels cannot be compared with a map of {scores.shape}, "
                    f'from "{path}".'
                )
            found = scores[inside]
            enough = max(1, round(defect.enough * found.size))
            if found.size:  # beyond the highest scores that are enough, nothing is gained
                highest = np.partition(found, found.size - enough)[found.size - enough :]
                self._overlap.add_regions(highest, np.full(enough, enough, np.int64), regions=1)
