"""The calibration of models that have learnt more, by all images that they have learnt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from padimkit.errors import BadConfig, BadImage
from padimkit.images.pages import page_of
from padimkit.images.sample import Sample
from padimkit.inspection.calibration import Calibration, usual_rate, usual_review
from padimkit.inspection.learnt import LearntImage, digest_of


@dataclass(frozen=True)
class Rates:
    """The rates that somebody has asked for; None stands for the usual ones."""

    false_alarms: float | None = None
    review: float | None = None


def rates_of(calibrations: Iterable[Calibration], asked: Rates) -> Rates:
    """Return the rates for a model that takes the place of calibrated ones.

    Raises:
        BadConfig: The calibrations have other rates than each other, and none is asked for.
    """
    known = list(calibrations)
    chosen = []
    for name in ("false_alarms", "review"):
        found = {getattr(_wanted(one), name) for one in known}
        if getattr(asked, name) is None and len(found) > 1:
            rates = " and ".join(f"{getattr(one, name):.3g}" for one in known)
            raise BadConfig(f'The models are calibrated for "{name}" of {rates}. Pass --{name} RATE.')
        chosen.append(found.pop() if getattr(asked, name) is None and found else getattr(asked, name))
    return Rates(*chosen)


def samples_of(learnt: Sequence[LearntImage]) -> list[Sample]:
    """Return the files of learnt images, to be read again."""
    return [Sample(Path(image.path), anomalous=False) for image in learnt]


def hindrance(learnt: Sequence[LearntImage]) -> str:
    """Return why learnt images cannot be scored as if not learnt, or an empty text if they can."""
    if not learnt:
        return "the model does not say which images it has learnt"
    lost = [image.path for image in learnt if not _is_there(image)]
    if lost:
        where = "" if Path(lost[0]).is_absolute() else f', looked for from "{Path.cwd()}"'
        return (
            f"{len(lost)} of {len(learnt)} learnt images have moved or changed, or are not files that are "
            f'learnt as they are ("{lost[0]}"{where})'
        )
    return ""


def _is_there(image: LearntImage) -> bool:
    path = Path(image.path)
    try:
        return page_of(path).exists and digest_of(path) == image.sha256
    except BadImage:  # the file has other pages now
        return False


def _wanted(calibration: Calibration) -> Rates:
    """Return the rates without those that follow from the number of images."""
    rate, review = calibration.false_alarms, calibration.review
    usual = rate == usual_rate(len(calibration.scores))
    return Rates(None if usual else rate, None if review == usual_review(rate) else review)
