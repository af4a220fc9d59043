"""The drift of camera and light, told from defects by the backgrounds of the anomaly maps.

A defect raises a map in one place, a moved camera or another lamp raises or lowers all of it, its median too.
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median
from typing import final

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp
from scipy.stats import betabinom

from padimkit.errors import BadArgument, BadData
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.verdict import Verdict

USUAL_ALARMS = 0.01
RECENT = 25  # images of the running median
_POWERS = np.array([0.5, 0.8])  # for large and for small changes
_JUMPS = (0.001, 0.01)  # a change comes once in some thousand or some hundred images
_FAR = 2.0  # times the highest background of the calibration: half of all images with defects are below it
_LIKE_NORMAL = 0.75  # of the normal images are no more uneven than half of those after a change


@final
class Cause(Enum):
    """The reason why images differ from those of the calibration."""

    NOTHING = "nothing"
    DEFECTS = "defects"
    CAMERA = "camera or light changed"


@dataclass(frozen=True)
class Drift:
    """A comparison of images in the order of their inspection with those of a calibration.

    Args:
        cause: The camera or the light has changed, or there are defects, or neither.
        images: The number of images.
        false_alarms: The greatest probability of `Cause.CAMERA` if nothing has changed.
        evidence: The natural logarithm of the largest capital of the test martingale, `log_capital`.
        alarm: The number of the image, from 1, at which the change became certain; None if it is not.
        start: The number of the image at which the change seems to have begun; None without an alarm.
        level: The median background of the last 25 images, divided by that of the calibration.
        ng: The number of images with the verdict NG.
        local: Those of them whose map has risen in a place and not as a whole: defects rather than drift.
        chance: The probability of as many NG images if all were false alarms.
    """

    cause: Cause
    images: int
    false_alarms: float
    evidence: float
    alarm: int | None
    start: int | None
    level: float
    ng: int
    local: int
    chance: float


def find_drift(
    scores: Sequence[float],
    backgrounds: Sequence[float],
    calibration: Calibration,
    *,
    false_alarms: float = USUAL_ALARMS,
) -> Drift:
    """Return what has changed since the calibration, by the images inspected since, in their order.

    Camera or light have changed if the capital of `log_capital` reaches 1 / false_alarms, and either does so
    without the images that stand out locally too, and the maps have risen or sunk as a whole since; or half
    of the backgrounds since are above twice the highest of the calibration. Else there are
    defects if there are more NG images than false alarms explain, but for a probability of `false_alarms`.

    Args:
        scores: The image scores.
        backgrounds: The medians of the maps of the same images.
        calibration: That of the model.
        false_alarms: The greatest probability of a change of camera or light being called if there is none.

    Raises:
        BadArgument: `false_alarms` is out of range.
        BadData: There are no images, or the backgrounds of the calibration cannot tell anything.
    """
    if not 0 < false_alarms < 1:
        raise BadArgument(f'Expected "false_alarms" above 0 and below 1, got {false_alarms:g}.')
    _require_images(backgrounds, calibration)
    capital = log_capital(backgrounds, calibration.maps.backgrounds)
    places = local_scores(scores, backgrounds, calibration)
    marks = [score > calibration.review_threshold for score in places]
    start, alarm = _change(capital, backgrounds, places, calibration, -math.log(false_alarms))
    verdicts = [calibration.verdict(score) for score in scores]
    ng = verdicts.count(Verdict.NG)
    chance = chance_of(ng, len(scores), calibration)
    defects = Cause.DEFECTS if chance <= false_alarms else Cause.NOTHING
    return Drift(
        cause=defects if alarm is None else Cause.CAMERA,
        images=len(scores),
        false_alarms=false_alarms,
        evidence=float(capital.max()),
        alarm=alarm,
        start=start,
        level=median(backgrounds[-RECENT:]) / calibration.background,
        ng=ng,
        local=sum(
            bool(mark) and verdict is Verdict.NG for mark, verdict in zip(marks, verdicts, strict=True)
        ),
        chance=chance,
    )


def log_capital(values: Sequence[float], known: Sequence[float]) -> Float[np.ndarray, " n"]:
    """Return the logarithm of the capital of a conformal test martingale after each value.

    It bets against each value being as likely to take any rank among those before it and those known. If they
    are exchangeable, the capital ever reaches 1 / a with a probability of at most a (Ville 1939), for any
    number of values. It is the mean of two Simple Jumpers (Vovk, Petej, Nouretdinov, Ahlberg, Carlsson and
    Gammerman 2021, "Retrain or not retrain: conformal test martingales for change-point detection"), with the
    bets power * p ** (power - 1) of Vovk, Gammerman and Shafer 2005, section 7.1, on high values and on low
    ones. Ties count against the bets, which can only lower the capital, so nothing is drawn at random.

    Args:
        values: In the order of time.
        known: Earlier values, in any order.
    """
    bets = [_bets(up, down) for up, down in _p_values(values, known)]
    paths = np.array([_jumper(bets, jump) for jump in _JUMPS])
    return np.asarray(logsumexp(paths, axis=0) - math.log(len(_JUMPS)))


def local_scores(
    scores: Sequence[float], backgrounds: Sequence[float], calibration: Calibration
) -> list[float]:
    """Return the scores as if the backgrounds were that of the calibration: infinity for a background of 0.

    Defects raise them, whereas a map that rises or sinks as a whole leaves them as they are.
    """
    usual = calibration.background
    return [
        score * usual / background if background > 0 else math.inf
        for score, background in zip(scores, backgrounds, strict=True)
    ]


def chance_of(ng: int, images: int, calibration: Calibration) -> float:
    """Return the probability of at least this many NG images if all are like those of the calibration.

    The share of new scores above the k-th largest of n has the distribution Beta(k, n + 1 - k), whatever that
    of the scores (Gumbel and von Schelling 1950, "The distribution of the number of exceedances").
    """
    count = len(calibration.scores)
    highest = count - bisect_left(calibration.scores, calibration.threshold)
    return float(betabinom.sf(ng - 1, images, highest, count + 1 - highest))


def _require_images(backgrounds: Sequence[float], calibration: Calibration) -> None:
    if not backgrounds:
        raise BadData("There are no inspected images, so no drift can be found.")
    if calibration.background <= 0:
        raise BadData(
            f"The median background of the calibration is {calibration.background:g}, so it cannot show a "
            "drift. If the model was calibrated by an earlier version, run padimkit calibrate anew."
        )


def _change(
    capital: Float[np.ndarray, " n"],
    backgrounds: Sequence[float],
    places: Sequence[float],
    calibration: Calibration,
    limit: float,
) -> tuple[int | None, int | None]:
    """Return the numbers of the images where a change began and where it became certain, if there is one."""
    if not (capital >= limit).any():
        return None, None
    alarm = int(np.argmax(capital >= limit))
    before = np.concatenate([[0.0], capital[:alarm]])
    start = alarm - int(np.argmin(before[::-1]))  # from its lowest, the capital has grown to the limit
    far = median(backgrounds[start:]) > _FAR * calibration.maps.backgrounds[-1]
    if far or _is_even(backgrounds, places, start, calibration, limit):
        return start + 1, alarm + 1
    return None, None


def _is_even(
    backgrounds: Sequence[float],
    places: Sequence[float],
    start: int,
    calibration: Calibration,
    limit: float,
) -> bool:
    """Return whether a change shows without the images that stand out locally, and few have done so since."""
    others = [
        background
        for background, score in zip(backgrounds, places, strict=True)
        if score <= calibration.review_threshold
    ]
    without = log_capital(others, calibration.maps.backgrounds)
    usual = float(np.quantile(calibration.scores, _LIKE_NORMAL))
    return bool((without >= limit).any() and median(places[start:]) <= usual)


def _p_values(values: Sequence[float], known: Sequence[float]) -> list[tuple[float, float]]:
    """Return the shares of values up to each one that are at least as high, and at least as low."""
    seen, found = sorted(known), []
    for value in values:
        insort(seen, value)
        found.append((1 - bisect_left(seen, value) / len(seen), bisect_right(seen, value) / len(seen)))
    return found


def _bets(up: float, down: float) -> Float[np.ndarray, " k"]:
    """Return the factors of the capitals that rest, bet on high values, and bet on low ones."""
    sides = [_POWERS * p ** (_POWERS - 1) for p in (up, down)]
    return np.concatenate([[1.0], *sides])


def _jumper(bets: Sequence[Float[np.ndarray, " k"]], jump: float) -> list[float]:
    """Return the logarithms of the capital, of which a share moves to other bets before each value."""
    size = 1 + 2 * len(_POWERS)
    shares, total, path = np.full(size, 1 / size), 0.0, []
    for factors in bets:
        shares = ((1 - jump) * shares + jump / size) * factors
        total += math.log(shares.sum())
        shares = shares / shares.sum()
        path.append(total)
    return path
