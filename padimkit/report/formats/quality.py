"""An assessment of verdicts as one page of HTML that needs nothing else, its thresholds movable.

A format of its own: it shows images, where the others show records.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from itertools import groupby
from typing import Any

from padimkit.inspection.quality import Judged, Quality, limits
from padimkit.inspection.verdict import Verdict
from padimkit.report.formats.page import asset, templates

WIDTH = 1000  # of the plot, in its own units


@dataclass(frozen=True)
class Assessment:
    """What a page of quality shows.

    Args:
        quality: The images and the thresholds of the calibration.
        model: Name of the model.
        digest: Its hash.
        calibration: Scores of the normal images of the calibration, ascending.
        false_alarms: The rate that the calibration promises.
        map_scale: The scores at the ends of the scale of colours.
    """

    quality: Quality
    model: str
    digest: str
    calibration: Sequence[float]
    false_alarms: float
    map_scale: tuple[float, float]


def as_quality_page(assessment: Assessment) -> str:
    """Return the page; all names in it are escaped."""
    quality = assessment.quality
    script = asset("quality.js")
    lowest, highest = _span(quality, assessment.calibration)
    context = {
        "assessment": assessment,
        "quality": quality,
        "review": Verdict.REVIEW,
        "rows": _rows(quality),
        "counts": partial(_counts, quality),
        "errors": _errors(quality),
        "wrong": partial(_is_wrong, quality),
        "shown": partial(_shown, quality),
        "lowest": lowest,
        "highest": highest,
        "ticks": {
            kind: _ticks([image.score for image in quality.of_kind(kind)], lowest, highest)
            for kind in (False, True)
        },
        "data": _data(assessment),
        "style": asset("page.css") + asset("quality.css"),
        "script": script,
        "script_hash": base64.b64encode(sha256(script.encode()).digest()).decode(),
        "version": version("padimkit"),
    }
    return templates().get_template("quality.html").render(context)


def _rows(quality: Quality) -> list[tuple[str, bool, str | None]]:
    """Return name, kind and folder of each row of the table: both kinds, and their folders if several."""
    rows: list[tuple[str, bool, str | None]] = []
    for kind, name in ((False, "good"), (True, "bad")):
        rows.append((name, kind, None))
        folders = sorted({image.folder for image in quality.of_kind(kind)})
        rows += [(folder, kind, folder) for folder in folders] if len(folders) > 1 else []
    return rows


def _errors(quality: Quality) -> dict[bool, list[Judged]]:
    """Return the images with pictures, the most wrong first: bad ones with low scores, good with high."""
    return {
        kind: sorted(
            (image for image in quality.of_kind(kind) if image.picture),
            key=lambda image: image.score,
            reverse=not kind,
        )
        for kind in (False, True)
    }


def _counts(quality: Quality, kind: bool, folder: str | None) -> list[int]:
    """Return how many images of a kind, or of one of its folders, get each verdict."""
    of = [image for image in quality.of_kind(kind) if folder in (None, image.folder)]
    verdicts = [quality.verdict(image) for image in of]
    return [verdicts.count(verdict) for verdict in (Verdict.OK, Verdict.REVIEW, Verdict.NG)]


def _is_wrong(quality: Quality, image: Judged) -> bool:
    return quality.verdict(image) is (Verdict.OK if image.anomalous else Verdict.NG)


def _shown(quality: Quality, kind: bool) -> str:
    wrong = [image for image in quality.of_kind(kind) if _is_wrong(quality, image)]
    shown = sum(bool(image.picture) for image in wrong)
    return f"{len(wrong)}, of which {shown} are shown." if shown < len(wrong) else f"{len(wrong)}."


def _span(quality: Quality, calibration: Sequence[float]) -> tuple[float, float]:
    scores = [image.score for image in quality.images]
    known = [*scores, *calibration, quality.threshold, quality.review_threshold]
    return min(known), max(known)


def _ticks(scores: Iterable[float], lowest: float, highest: float) -> str:
    """Return the path of an upright line for each score, and one only where several fall on one place."""
    span = (highest - lowest) or 1.0
    places = sorted(round(WIDTH * (score - lowest) / span, 1) for score in scores)
    return "".join(f"M{place:g} 0v30" for place, _ in groupby(places))


def _data(assessment: Assessment) -> dict[str, Any]:
    quality = assessment.quality
    totals = {name: len(quality.of_kind(kind)) for name, kind in (("good", False), ("bad", True))}
    return {
        "images": [[image.score, int(image.anomalous), image.folder] for image in quality.images],
        "limits": {name: limits(total) for name, total in totals.items()},
        "calibration": list(assessment.calibration),
        "threshold": quality.threshold,
        "review": quality.review_threshold,
        "best": quality.best.threshold,
    }
