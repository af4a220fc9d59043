"""Area under the per-region overlap curve."""

from math import ceil
from typing import final

import numpy as np
from jaxtyping import Float32, Float64
from scipy import ndimage

from padimkit.contracts import Metric
from padimkit.errors import BadArgument
from padimkit.metrics.pool import FlatScores, Pool, ScoreArray, TruthArray
from padimkit.values import Batch, Prediction

_CHUNK = 2**16  # counts are 64-bit: keeps them small beside the scores
_EIGHT_NEIGHBOURS = np.ones((3, 3))  # as in MVTec's own evaluation


@final
class PRO(Metric):
    """Area under the curve of per-region overlap against false positive rate, exact, from 0 to 1.

    A region is an 8-connected component of a mask; every region of every image weighs the same. The false
    positive rate is that of all normal pixels, those of normal images included, as in the PaDiM paper.
    The metric keeps 4 bytes per pixel of the test set, and needs about twice as much while it computes.

    Args:
        max_fpr: The false positive rate up to which the area is taken, and by which it is divided.
    """

    higher_is_better = True

    def __init__(self, max_fpr: float = 0.3) -> None:
        self.max_fpr = max_fpr
        if not 0 < max_fpr <= 1:
            raise BadArgument(f'Expected "max_fpr" above 0 and up to 1, got {max_fpr}.')
        self._pool = Pool("pro", "pixel", group=regions)

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Takes in anomaly maps and masks."""
        self._pool.add(prediction, truth)

    def compute(self) -> float:
        """The area under the mean overlap of all regions, up to `max_fpr`, divided by `max_fpr`."""
        normal, found = self._pool.split()
        limit = self.max_fpr * normal.size
        highest = _highest(normal, ceil(limit))
        scores = np.concatenate(found)
        weights = np.concatenate([np.full(region.size, 1 / region.size) for region in found])
        area = 0.0
        order = np.argsort(scores)  # in a large array, searching for sorted scores is several times faster
        for start in range(0, order.size, _CHUNK):
            chunk = order[start : start + _CHUNK]
            area += float(weights[chunk] @ pixel_areas(scores[chunk], highest, limit))
        return area / len(found) / limit

    def reset(self) -> None:
        """Forgets all pixels."""
        self._pool.clear()


def regions(maps: ScoreArray, masks: TruthArray) -> list[FlatScores]:
    """The scores in each 8-connected region of each mask."""
    found = []
    for scores, mask in zip(maps, masks, strict=True):
        labelled, _ = ndimage.label(mask, structure=_EIGHT_NEIGHBOURS)
        for number, box in enumerate(ndimage.find_objects(labelled), start=1):
            found.append(scores[box][labelled[box] == number])
    return found


def pixel_areas(
    scores: Float32[np.ndarray, " n"], normal: FlatScores, limit: float
) -> Float64[np.ndarray, " n"]:
    """What pixels of these scores add to the area under a curve that ends at `limit` false positives.

    Along the curve the threshold falls and false positives are counted. At the threshold s, the score of a
    pixel, they rise from `start`, the normal scores above s, to `end`, those not below s. On the way the
    pixel is gradually found, from `end` on it is found: the area is a triangle and a rectangle.

    `normal` is sorted, and may leave out scores that have at least `limit` others above them.
    """
    start = normal.size - normal.searchsorted(scores, side="right")
    end = normal.size - normal.searchsorted(scores, side="left")
    reached = np.minimum(end, limit)
    triangle = (reached - np.minimum(start, limit)) ** 2 / (2 * np.maximum(end - start, 1))
    rectangle = limit - reached
    areas: Float64[np.ndarray, " n"] = triangle + rectangle
    return areas


def _highest(scores: FlatScores, count: int) -> FlatScores:
    """The `count` highest scores and all that tie with the last of them, sorted; reorders `scores`."""
    last = scores.size - count
    scores.partition(last)
    highest: FlatScores = scores[scores >= scores[last]]
    highest.sort()
    return highest
