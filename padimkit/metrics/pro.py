"""The area under the per-region overlap curve."""

from typing import final

import numpy as np
from jaxtyping import Float64

from padimkit.contracts import HasCurve, HasInfluence, Metric, ReferenceValues
from padimkit.errors import BadArgument
from padimkit.metrics._influence import PROInfluence
from padimkit.metrics._overlap import Overlap
from padimkit.metrics._regions import region_numbers
from padimkit.metrics._truth import Comparison
from padimkit.values import Batch, Prediction


@final
class PRO(Metric, ReferenceValues, HasCurve, HasInfluence):
    """Area under the curve of per-region overlap against false positive rate, exact, from 0 to 1.

    A region is an 8-connected component of a mask; every region of every image weighs the same. The false
    positive rate is that of all normal pixels, including those of normal images, as in the PaDiM paper.
    It keeps 4 bytes per normal pixel of the test set and 8 per anomalous one, at most 1.2 GB of them in
    memory and the rest in files.

    Args:
        max_fpr: The false positive rate at which the area ends, and by which it is divided.
    """

    higher_is_better = True
    perfect = 1.0

    def __init__(self, max_fpr: float = 0.3) -> None:
        self.max_fpr = max_fpr
        if not 0 < max_fpr <= 1:
            raise BadArgument(f'Expected "max_fpr" above 0 and up to 1, got {max_fpr}.')
        self._comparison = Comparison("pro", "pixel")
        self._overlap = Overlap()

    @property
    def uninformative(self) -> float:
        """The area under the diagonal up to `max_fpr`, divided by `max_fpr`."""
        return self.max_fpr / 2

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add anomaly maps and masks."""
        maps, masks = self._comparison.pair(prediction, truth)
        for scores, mask in zip(maps, masks, strict=True):
            self._overlap.add_normal(scores[~mask])
            if mask.any():
                numbers, count = region_numbers(mask)
                self._overlap.add_regions(scores[mask], np.bincount(numbers)[numbers], regions=count)

    def compute(self) -> float:
        """Return the area under the mean overlap of all regions, up to `max_fpr`, divided by `max_fpr`."""
        self._comparison.require_both()
        return self._overlap.area(self.max_fpr)

    def curve(self, points: int) -> tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, " k"]]:
        """Return points of the curve up to `max_fpr`: false positive rates and the mean overlap at each."""
        self._comparison.require_both()
        return self._overlap.curve(points, self.max_fpr)

    def influence(self) -> PROInfluence:
        """Return a collector of the influence of each image."""
        return PROInfluence(self.max_fpr)

    def reset(self) -> None:
        """Forget all pixels."""
        self._comparison.clear()
        self._overlap.clear()
