"""The quality of verdicts on images whose truth is known: counts, exact limits, and the best threshold."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, rankdata

from padimkit.errors import BadData
from padimkit.inspection.verdict import Verdict

LEVEL = 0.95


@dataclass(frozen=True)
class Judged:
    """An image whose truth is known, with its score and, if it has one, its picture with and without map.

    Args:
        path: Its path.
        anomalous: True if it is bad.
        score: Its image score.
        picture: A data URL, or an empty text.
        overlay: A data URL of the picture with its map, or an empty text.
    """

    path: str
    anomalous: bool
    score: float
    picture: str = ""
    overlay: str = ""

    @property
    def folder(self) -> str:
        """The name of the folder that holds it."""
        return PurePath(self.path).parent.name


@dataclass(frozen=True)
class Rate:
    """A share of images, with the limits of its exact confidence interval."""

    count: int
    total: int
    lower: float
    upper: float

    @property
    def share(self) -> float:
        return self.count / self.total


@dataclass(frozen=True)
class Separation:
    """A threshold that was fitted to images, with its errors on these same images.

    They have no limits, since limits do not hold for what is fitted.
    """

    threshold: float
    false_alarms: int
    misses: int


@dataclass(frozen=True)
class Quality:
    """Verdicts on good and bad images by two thresholds.

    Args:
        images: The images.
        threshold: Images with a higher score are NG.
        review_threshold: Images with a higher score that are not NG are for REVIEW.

    Raises:
        BadData: There are no good images, or no bad ones.
    """

    images: tuple[Judged, ...]
    threshold: float
    review_threshold: float

    def __post_init__(self) -> None:
        for anomalous, name in ((False, "good"), (True, "bad")):
            if not any(image.anomalous is anomalous for image in self.images):
                raise BadData(f"There are no {name} images: how good verdicts are takes both kinds.")

    def verdict(self, image: Judged) -> Verdict:
        """Return the verdict on an image, as `Calibration.verdict` gives it."""
        if image.score > self.threshold:
            return Verdict.NG
        return Verdict.REVIEW if image.score > self.review_threshold else Verdict.OK

    def of_kind(self, anomalous: bool) -> list[Judged]:
        """Return the bad images, or the good ones."""
        return [image for image in self.images if image.anomalous is anomalous]

    def rate(self, anomalous: bool, verdict: Verdict) -> Rate:
        """Return the share of the bad images, or of the good ones, that get a verdict."""
        kind = self.of_kind(anomalous)
        return rate(sum(self.verdict(image) is verdict for image in kind), len(kind))

    @property
    def false_alarms(self) -> Rate:
        """The good images that are NG."""
        return self.rate(False, Verdict.NG)

    @property
    def misses(self) -> Rate:
        """The bad images that are OK; those for REVIEW are not missed."""
        return self.rate(True, Verdict.OK)

    @cached_property
    def auroc(self) -> float:
        """The probability that a bad image scores higher than a good one, ties counted half."""
        labels, scores = self._arrays()
        bad = int(labels.sum())
        ranks = rankdata(scores)[labels].sum()
        return float((ranks - bad * (bad + 1) / 2) / (bad * (len(labels) - bad)))

    @cached_property
    def best(self) -> Separation:
        """The threshold with the lowest sum of both shares of errors, in the middle of the widest such gap.

        It is fitted to the images, so its errors on others are higher.
        """
        labels, scores = self._arrays()
        levels = np.unique(scores)
        good, bad = (np.sort(scores[labels == kind]) for kind in (False, True))
        alarms = 1 - np.searchsorted(good, levels, side="right") / len(good)
        missed = np.searchsorted(bad, levels, side="right") / len(bad)
        upper = np.append(levels[1:], levels[-1])
        errors = np.round(alarms + missed, 12)
        found = max(np.flatnonzero(errors == errors.min()), key=lambda place: upper[place] - levels[place])
        threshold = float((levels[found] + upper[found]) / 2)
        return Separation(threshold, int((good > threshold).sum()), int((bad <= threshold).sum()))

    def _arrays(self) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        return (
            np.array([image.anomalous for image in self.images]),
            np.array([image.score for image in self.images], np.float64),
        )


def rate(count: int, total: int) -> Rate:
    """Return the share with the limits of Clopper and Pearson (1934) for a confidence of 95 %."""
    lower, upper = limits(total)
    return Rate(count, total, lower[count], upper[count])


@lru_cache  # the page asks for those of two totals, and for each of them many times
def limits(total: int) -> tuple[Sequence[float], Sequence[float]]:
    """Return the lower and the upper limits for each count from 0 to `total`."""
    counts, tail = np.arange(total + 1), (1 - LEVEL) / 2
    with np.errstate(invalid="ignore"):
        lower = np.asarray(beta.ppf(tail, counts, total - counts + 1))
        upper = np.asarray(beta.ppf(1 - tail, counts + 1, total - counts))
    lower[0], upper[-1] = 0.0, 1.0  # where a parameter of the distribution is 0
    return tuple(lower.tolist()), tuple(upper.tolist())
