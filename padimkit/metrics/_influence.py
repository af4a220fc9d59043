"""The share of each image in the value of a pixel metric: its derivative by the image's weight.

It stands apart because it keeps the image of each pixel, which the metrics themselves do without.
"""

from collections.abc import Callable
from typing import final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64

from padimkit.contracts import Influence
from padimkit.metrics._regions import region_numbers
from padimkit.metrics._sorted_runs import Runs, keys
from padimkit.metrics._truth import Comparison
from padimkit.values import Batch, Prediction

_CHUNK = 2**18  # ranks are 64-bit: chunks keep them small beside the scores
_LOW = 2**32 - 1


@final
class PixelAUROCInfluence(Influence):
    """The influence of images on the area under the ROC curve of pixels (clusters of Obuchowski 1997).

    It keeps 8 bytes per pixel of the test set, at most 0.8 GB of them in memory and the rest in files.
    """

    def __init__(self) -> None:
        self._comparison = Comparison("pixel_auroc", "pixel")
        self._normal, self._anomalous = Runs(), Runs()
        self._images = 0

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add anomaly maps and masks."""
        maps, masks = self._comparison.pair(prediction, truth)
        for scores, mask in zip(maps, masks, strict=True):
            self._normal.add(_tagged(scores[~mask], self._images))
            self._anomalous.add(_tagged(scores[mask], self._images))
            self._images += 1

    def compute(self) -> Float64[np.ndarray, " n"]:
        """Return the influence of each image, in the order of the updates."""
        self._comparison.require_both()
        found = self._shares(self._anomalous, self._normal, lambda low, high: (low + high) / 2)
        missed = self._shares(
            self._normal,
            self._anomalous,
            lambda low, high: self._anomalous.count - (low + high) / 2,
        )
        value = found.sum()
        own = self._counts(self._anomalous) + self._counts(self._normal)
        influence: Float64[np.ndarray, " n"] = found + missed - value * own
        return influence

    def _shares(
        self,
        runs: Runs,
        others: Runs,
        wins: Callable[[Int64[np.ndarray, " k"], Int64[np.ndarray, " k"]], Float64[np.ndarray, " k"]],
    ) -> Float64[np.ndarray, " n"]:
        """Return each image's share of all pairs of pixels that are won, counted by the pixels of `runs`."""
        total = np.zeros(self._images)
        for run in runs:
            for start in range(0, run.size, _CHUNK):
                scores, images = _untagged(run[start : start + _CHUNK])
                weights = wins(*_ranks(others, scores))
                total += np.bincount(images, weights, minlength=self._images)
        return total / runs.count / others.count

    def _counts(self, runs: Runs) -> Float64[np.ndarray, " n"]:
        """Return each image's share of the pixels."""
        counts = np.zeros(self._images)
        for run in runs:
            counts += np.bincount(run & _LOW, minlength=self._images)
        return counts / runs.count


@final
class PROInfluence(Influence):
    """The influence of images on the area under the per-region overlap curve.

    An image has its share by its regions, and by its normal pixels, which move the false positive rate at
    every threshold. It keeps 8 bytes per pixel of the test set, at most 0.8 GB of them in memory and the
    rest in files.
    """

    def __init__(self, max_fpr: float) -> None:
        self._max_fpr = max_fpr
        self._comparison = Comparison("pro", "pixel")
        self._normal, self._found = Runs(), Runs()
        self._normals: list[int] = []  # by image
        self._sizes: list[int] = []  # by region
        self._owners: list[int] = []  # by region, its image

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add anomaly maps and masks."""
        maps, masks = self._comparison.pair(prediction, truth)
        for scores, mask in zip(maps, masks, strict=True):
            self._normal.add(_tagged(scores[~mask], len(self._normals)))
            if mask.any():
                self._add_regions(scores, mask)
            self._normals.append(int(np.count_nonzero(~mask)))

    def compute(self) -> Float64[np.ndarray, " n"]:
        """Return the influence of each image, in the order of the updates."""
        self._comparison.require_both()
        images, limit = len(self._normals), self._max_fpr * self._normal.count
        sizes, owners = np.array(self._sizes), np.array(self._owners)
        areas, moved, by_limit = np.zeros(images), np.zeros(images), 0.0
        for run in self._found:
            for start in range(0, run.size, _CHUNK):
                scores, regions = _untagged(run[start : start + _CHUNK])
                below, not_above = _ranks(self._normal, scores)
                area, *slopes = _slopes(self._normal.count - not_above, self._normal.count - below, limit)
                area, by_start, by_end, by_limits = (one / sizes[regions] for one in (area, *slopes))
                areas += np.bincount(owners[regions], area, minlength=images)
                moved += self._moved(scores, by_start, by_end)
                by_limit += float(by_limits.sum())
        value = areas.sum() / sizes.size
        regions_of = np.bincount(owners, minlength=images)
        moved += by_limit * self._max_fpr * np.array(self._normals)
        influence: Float64[np.ndarray, " n"] = (areas - value * regions_of + moved) / sizes.size
        return influence

    def _add_regions(self, scores: Float32[np.ndarray, "H W"], mask: Bool[np.ndarray, "H W"]) -> None:
        numbers, count = region_numbers(mask)
        self._found.add((keys(scores[mask]).astype(np.int64) << 32) | (len(self._sizes) + numbers - 1))
        self._sizes += np.bincount(numbers)[1:].tolist()
        self._owners += [len(self._normals)] * count

    def _moved(
        self,
        scores: Int32[np.ndarray, " k"],
        by_start: Float64[np.ndarray, " k"],
        by_end: Float64[np.ndarray, " k"],
    ) -> Float64[np.ndarray, " n"]:
        """Return what each image's normal pixels contribute, by the slopes of the found pixels below them."""
        total = np.zeros(len(self._normals))
        matter = np.flatnonzero((by_start != 0) | (by_end != 0))
        if not matter.size:
            return total
        scores = scores[matter[0] :]
        starts = np.append(0.0, np.cumsum(by_start[matter[0] :]))
        ends = np.append(0.0, np.cumsum(by_end[matter[0] :]))
        for run in self._normal:
            first = int(run.searchsorted(np.int64(scores[0]) << 32))
            for start in range(first, run.size, _CHUNK):
                normal, images = _untagged(run[start : start + _CHUNK])
                weights = starts[scores.searchsorted(normal)] + ends[scores.searchsorted(normal, "right")]
                total += np.bincount(images, weights, minlength=total.size)
        return total


def _slopes(
    start: Int64[np.ndarray, " k"], end: Int64[np.ndarray, " k"], limit: float
) -> tuple[Float64[np.ndarray, " k"], ...]:
    """Return the area of each pixel, divided by the limit, and its derivatives by start, end and limit.

    Along the curve a pixel is found gradually from `start` to `end` false positives, as in the metric.
    """
    span = np.maximum(end - start, 1).astype(float)
    left = np.maximum(limit - start, 0.0)
    whole = end <= limit
    area = np.where(whole, 1 - (start + end) / (2 * limit), left**2 / (2 * limit * span))
    by_start = np.where(whole, -1 / (2 * limit), (left**2 / span**2 - 2 * left / span) / (2 * limit))
    by_end = np.where(whole, -1 / (2 * limit), -(left**2) / (2 * limit * span**2))
    by_limit = np.where(
        whole, (start + end) / (2 * limit**2), (2 * left * limit - left**2) / (2 * limit**2 * span)
    )
    return area, by_start, by_end, by_limit


def _tagged(scores: Float32[np.ndarray, " n"], number: int) -> Int64[np.ndarray, " n"]:
    """Return one number for each score and the number of its image, which sorts by the score."""
    tagged: Int64[np.ndarray, " n"] = (keys(scores).astype(np.int64) << 32) | number
    return tagged


def _untagged(tagged: Int64[np.ndarray, " n"]) -> tuple[Int32[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    return (tagged >> 32).astype(np.int32), tagged & _LOW


def _ranks(
    runs: Runs, scores: Int32[np.ndarray, " k"]
) -> tuple[Int64[np.ndarray, " k"], Int64[np.ndarray, " k"]]:
    """Return how many tagged scores are below each score, and how many are not above it."""
    lowest = scores.astype(np.int64) << 32
    return runs.below(lowest), runs.below(lowest | _LOW)  # no image has the number of all ones
