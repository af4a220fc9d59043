"""The mean overlap of regions with all pixels that reach a threshold, as its curve and the area under it."""

from collections.abc import Iterator
from typing import final

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from padimkit.metrics._sorted_runs import Runs, keys
from padimkit.metrics._sorted_scores import lowest_thresholds, reaching

_CHUNK = 2**18  # counts are 64-bit: chunks keep them small beside the scores


@final
class Overlap:
    """The scores of the pixels of regions, each with the size of its region, and of normal pixels.

    A pixel of a region of size n is the n-th part of its overlap.
    """

    def __init__(self) -> None:
        self.normal = Runs()
        self._found = Runs()
        self.regions = 0

    def clear(self) -> None:
        """Forget all pixels."""
        self.normal.clear()
        self._found.clear()
        self.regions = 0

    def add_normal(self, scores: Float32[np.ndarray, " n"]) -> None:
        """Add normal pixels."""
        self.normal.add(keys(scores))

    def add_regions(
        self, scores: Float32[np.ndarray, " n"], sizes: Int64[np.ndarray, " n"], *, regions: int
    ) -> None:
        """Add the pixels of some regions, each with the size of its own."""
        # One number for score and size, which sorts by the score.
        self._found.add((keys(scores).astype(np.int64) << 32) | sizes)
        self.regions += regions

    def area(self, max_fpr: float) -> float:
        """Return the area under the curve up to a false positive rate, divided by that rate."""
        limit = max_fpr * self.normal.count
        area = 0.0
        for scores, sizes in self.pixels():
            area += float((_pixel_areas(scores, self.normal, limit) / sizes).sum())
        return area / self.regions / limit

    def curve(
        self, points: int, max_fpr: float
    ) -> tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, " k"]]:
        """Return points of the curve: false positive rates up to a limit and the mean overlap at each."""
        wanted = np.linspace(0, max_fpr, points) * self.normal.count
        thresholds = lowest_thresholds(self.normal, wanted)
        overlaps = np.zeros(thresholds.size)
        for scores, sizes in self.pixels():
            weights = np.append(np.cumsum(1 / sizes[::-1]), 0.0)  # sums over the highest
            found = scores.size - scores.searchsorted(thresholds)
            overlaps += np.where(found > 0, weights[found - 1], 0.0)
        return reaching(self.normal, thresholds) / self.normal.count, overlaps / self.regions

    def pixels(self) -> Iterator[tuple[Int32[np.ndarray, " _"], Int64[np.ndarray, " _"]]]:
        """Yield scores of pixels of regions as sorted keys, each with the size of its region."""
        for run in self._found:
            for start in range(0, run.size, _CHUNK):
                chunk = run[start : start + _CHUNK]
                yield (chunk >> 32).astype(np.int32), chunk & 0xFFFFFFFF


def _pixel_areas(scores: Int32[np.ndarray, " n"], normal: Runs, limit: float) -> Float64[np.ndarray, " n"]:
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
