"""The calibration of a model: scores of normal images that it has not learnt, and what follows from them."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from padimkit.errors import BadArgument, BadData, BadScores
from padimkit.inspection.learnt import LearntImage
from padimkit.inspection.verdict import Verdict

USUAL_RATE = 0.01
_REVIEWED = 5  # times as many normal images as raise false alarms, if nothing else is asked for
_ROUNDING = 1e-9  # 0.29 * 100 is 28.999999999999996


@dataclass(frozen=True)
class MapStatistics:
    """The anomaly maps of normal images that were not learnt, in numbers.

    Args:
        peaks: The maximum of each map, ascending.
        backgrounds: The median of each map where the model looks, ascending.
        quantiles: Pairs of a share of these pixels and the value that this share does not exceed, ascending.
    """

    peaks: tuple[float, ...]
    backgrounds: tuple[float, ...]
    quantiles: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Calibration:
    """Scores of normal images that a model has not learnt, and thresholds for a wanted rate of false alarms.

    An image that is like these raises a false alarm (NG) with a probability of at most `false_alarms`, since
    its score is as likely to take any rank among theirs (conformal prediction: Vovk, Gammerman and Shafer
    2005, section 2.2). This needs images of the same kind; scores of learnt images left out are nearly so.

    Args:
        scores: The image scores, ascending.
        maps: The maps in numbers.
        false_alarms: The share of normal images that may get NG.
        review: The share of normal images that may get REVIEW or NG.
        threshold: Images with a higher score are NG.
        review_threshold: Images with a higher score that are not NG are for REVIEW.
        pixel_threshold: Maps rise above it in the same share of normal images, `false_alarms`.
        map_scale: The values at the ends of the scale of colours, for all pictures alike; `pixel_threshold`
            is in its middle.
        held_out: True if the images were not among those learnt; else each was left out.
        images: The images that the model has learnt, with their scores if they were left out.
    """

    scores: tuple[float, ...]
    maps: MapStatistics
    false_alarms: float
    review: float
    threshold: float
    review_threshold: float
    pixel_threshold: float
    map_scale: tuple[float, float]
    held_out: bool = False
    images: tuple[LearntImage, ...] = field(default=(), compare=False)

    @classmethod
    def from_scores(
        cls,
        scores: Iterable[float],
        maps: MapStatistics,
        *,
        false_alarms: float | None = None,
        review: float | None = None,
        held_out: bool = False,
        images: Sequence[LearntImage] = (),
    ) -> "Calibration":
        """Return the calibration that follows from the scores of normal images that were not learnt.

        Args:
            scores: Their image scores, in any order.
            maps: Their maps in numbers.
            false_alarms: The wanted rate; by default 0.01, or the least that this many images can promise.
            review: The share that may get REVIEW or NG; by default five times `false_alarms`, at most half.
            held_out: True if the images were not among those learnt.
            images: The images that the model has learnt.

        Raises:
            BadArgument: A rate is out of range, or less than this many images can promise.
            BadData: There are no scores.
        """
        known = tuple(sorted(scores))
        if not known or not all(math.isfinite(score) for score in known):
            raise BadData("A calibration needs at least one score, and finite ones.")
        rate, looked_at = promised(false_alarms, review, len(known))
        highest = threshold_of(maps.peaks, rate)
        lowest = maps.quantiles[0][1]
        return cls(
            scores=known,
            maps=maps,
            false_alarms=rate,
            review=looked_at,
            threshold=threshold_of(known, rate),
            review_threshold=threshold_of(known, looked_at),
            pixel_threshold=highest,
            map_scale=(lowest, 2 * highest - lowest),
            held_out=held_out,
            images=tuple(images),
        )

    @property
    def background(self) -> float:
        """The median of the medians of the maps."""
        return median(self.maps.backgrounds)

    @property
    def suspicious(self) -> tuple[LearntImage, ...]:
        """The learnt images that stand out from the others, those with the highest scores first."""
        found = [image for image in self.images if image.suspicious]
        return tuple(sorted(found, key=lambda image: image.score or 0.0, reverse=True))

    def p_value(self, score: float) -> float:
        """Return the share of images at least as anomalous among those of the calibration and this one.

        For a normal image it is at most p with a probability of at most p, for any p.

        Raises:
            BadScores: The score is NaN.
        """
        count = len(self.scores)
        return (1 + count - bisect_left(self.scores, _number(score))) / (count + 1)

    def verdict(self, score: float) -> Verdict:
        """Return NG above the threshold, REVIEW above the lower one, else OK.

        Raises:
            BadScores: The score is NaN.
        """
        if _number(score) > self.threshold:
            return Verdict.NG
        return Verdict.REVIEW if score > self.review_threshold else Verdict.OK


def usual_rate(count: int) -> float:
    """Return the rate of false alarms if none is asked for: 0.01, or the least that can be promised."""
    return max(USUAL_RATE, 1 / (count + 1))


def usual_review(false_alarms: float) -> float:
    """Return the share of images to be looked at if none is asked for: five times the rate, at most half."""
    return max(false_alarms, min(_REVIEWED * false_alarms, 0.5))


def promised(false_alarms: float | None, review: float | None, count: int) -> tuple[float, float]:
    """Return the rates of NG and of NG or REVIEW that this many normal images promise; None: the usual one.

    Raises:
        BadArgument: A rate is out of range, or they cannot promise it; the message says how many can.
    """
    rate = usual_rate(count) if false_alarms is None else false_alarms
    _require_promise(rate, count)
    looked_at = usual_review(rate) if review is None else review
    if not rate <= looked_at < 1:
        raise BadArgument(f'Expected "review" from "false_alarms" ({rate:g}) to below 1, got {looked_at:g}.')
    return rate, looked_at


def _require_promise(false_alarms: float, count: int) -> None:
    if not 0 < false_alarms < 1:
        raise BadArgument(f'Expected "false_alarms" above 0 and below 1, got {false_alarms:g}.')
    if _rank(false_alarms, count) < 1:
        needed = math.ceil(1 / false_alarms - _ROUNDING) - 1
        raise BadArgument(
            f'"false_alarms" of {false_alarms:g} needs {needed} normal images, and there are {count}: '
            f"pass more of them, or {_rounded_up(1 / (count + 1))} or more."
        )


def threshold_of(ascending: Sequence[float], rate: float) -> float:
    """Return the threshold that an exchangeable score exceeds with a probability of at most `rate`.

    It is the k-th largest of n scores, k being n + 1 times the rate, rounded down.
    """
    return ascending[-_rank(rate, len(ascending))]


def _rank(rate: float, count: int) -> int:
    return min(math.floor(rate * (count + 1) + _ROUNDING), count)


def _rounded_up(rate: float) -> str:
    return f"{math.ceil(rate * 1000) / 1000:g}"


def _number(score: float) -> float:
    if math.isnan(score):
        raise BadScores("The score is not a number (NaN), so no verdict follows from it.")
    return score
