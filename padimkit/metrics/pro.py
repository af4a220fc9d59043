"""The area under the per-region overlap curve."""

from typing import final

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64
from scipy import ndimage

from padimkit.contracts import HasCurve, Metric, ReferenceValues
from padimkit.errors import BadArgument
from padimkit.metrics._sorted_runs import Runs, keys
from padimkit.metrics._truth import Comparison
from padimkit.values import Batch, Prediction

_CHUNK = 2**18  # counts are 64-bit: chunks keep them small beside the scores
_EIGHT_NEIGHBOURS = np.ones((3, 3))  # as in MVTec's own evaluation


@final
class PRO(Metric, ReferenceValues, HasCurve):
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
        self._normal = Runs()
        self._found = Runs()
        self._regions = 0

    @property
    def uninformative(self) -> float:
        """The area under the diagonal up to `max_fpr`, divided by `max_fpr`."""
        return self.max_fpr / 2

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add anomaly maps and masks."""
        maps, masks = self._comparison.pair(prediction, truth)
        for scores, mask in zip(maps, masks, strict=True):
            self._normal.add(keys(scores[~mask]))
            if mask.any():
                sizes, count = regions(mask)
                # One number for score and size, which sorts by the score.
                self._found.add((keys(scores[mask]).astype(np.int64) << 32) | sizes)
                self._regions += count

    def compute(self) -> float:
        """Return the area under the mean overlap of all regions, up to `max_fpr`, divided by `max_fpr`."""
        self._comparison.require_both()
        limit = self.max_fpr * self._normal.count
        area = 0.0
        for run in self._found:
            for start in range(0, run.size, _CHUNK):
                chunk = run[start : start + _CHUNK]
                scores, sizes = (chunk >> 32).astype(np.int32), chunk & 0xFFFFFFFF
                area += float((pixel_areas(scores, self._normal, limit) / sizes).sum())
        return area / self._regions / limit

    def curve(self, points: int) -> tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, " k"]]:
        """Return points of the curve up to `max_fpr`: false positive rates and the mean overlap at each."""
        self._comparison.require_both()
        wanted = np.linspace(0, self.max_fpr, points) * self._normal.count
        thresholds = lowest_thresholds(self._normal, wanted)
        below, _ = self._normal.ranks(thresholds)
        overlaps = np.zeros(thresholds.size)
        for run in self._found:
            for start in range(0, run.size, _CHUNK):
                chunk = run[start : start + _CHUNK]
                weights = np.append(np.cumsum(1 / (chunk[::-1] & 0xFFFFFFFF)), 0.0)  # sums over the highest
                found = chunk.size - (chunk >> 32).searchsorted(thresholds)
                overlaps += np.where(found > 0, weights[found - 1], 0.0)
        return (self._normal.count - below) / self._normal.count, overlaps / self._regions

    def reset(self) -> None:
        """Forget all pixels."""
        self._comparison.clear()
        self._normal.clear()
        self._found.clear()
        self._regions = 0


def regions(mask: Bool[np.ndarray, "H W"]) -> tuple[Int64[np.ndarray, " _"], int]:
    """Return the size of the region of each anomalous pixel, and the number of regions."""
    labelled, count = ndimage.label(mask, structure=_EIGHT_NEIGHBOURS)
    number = labelled[mask]
    return np.bincount(number)[number], count


def pixel_areas(scores: Int32[np.ndarray, " n"], normal: Runs, limit: float) -> Float64[np.ndarray, " n"]:
    """Return each pixel's share of the area under a curve that ends at `limit` false positives.

    Along the curve the threshold falls and false positives are counted. At the threshold s, the score of a
    pixel, they rise from `start`, the normal scores above s, to `end`, those not below s. The pixel is found
    gradually on the way, and fully from `end` on: the area is a triangle and a rectangle.
    """
    below, not_above = normal.ranks(scores)
    start, end = normal.count - not_above, normal.count - below
    reached = np.minimum(end, limit)
    triangle = (reached - np.minimum(start, limit)) ** 2 / (2 * np.maximum(end - start, 1))
    areas: Float64[np.ndarray, " n"] = triangle + (limit - reached)
    return areas


def lowest_thresholds(normal: Runs, wanted: Float64[np.ndarray, " k"]) -> Int32[np.ndarray, " k"]:
    """Return, for each number, the lowest threshold that at most this many normal scores reach."""
    low = np.full(wanted.size, np.iinfo(np.int32).min, np.int64)
    high = np.full(wanted.size, np.iinfo(np.int32).max, np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        below, _ = normal.ranks(middle.astype(np.int32))
        enough = normal.count - below <= wanted
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    return high.astype(np.int32)
