"""`padimkit update`: a stored model learns more normal images.

A command of its own: `main` imports it by name when it is called.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jsonargparse import Namespace

from padimkit.cli.listing import print_first
from padimkit.cli.predict import find_images
from padimkit.cli.progress import logs_shown
from padimkit.cli.recalibrate import announce, output_of, store
from padimkit.config.commands import UPDATE, update_parser
from padimkit.config.parser import parse
from padimkit.contracts import Updatable
from padimkit.errors import BadArgument, BadData, NotCalibrated
from padimkit.images.sample import Sample
from padimkit.inspection.calibrate import require_folds, without_scores
from padimkit.inspection.calibration import Calibration, promised
from padimkit.inspection.history import Step, anomalies_of, step
from padimkit.inspection.learnt import LearntImage
from padimkit.inspection.recalibration import Rates, rates_of
from padimkit.inspection.verdict import Verdict
from padimkit.pipeline.pipeline import Pipeline
from padimkit.storage import load, load_calibration, load_history, load_learnt


@dataclass(frozen=True)
class _New:
    """An image that may be learnt, and why it is not; `reason` is empty if it is."""

    sample: Sample
    image: LearntImage
    score: float
    reason: str = ""


def run(words: list[str]) -> None:
    """Score the images, learn those that are to be learnt, calibrate, and write another model."""
    parser = update_parser(
        "Let a stored model learn more images as if they had been part of the fit. They are scored first: "
        "images above the threshold are not learnt, unless --learn all is given, and images that the model "
        "knows are left out. The new model, in the folder --output, is calibrated by all that it has learnt.",
    )
    made = parse(parser, UPDATE, words)
    with output_of(made) as staging:
        pipeline = load(made.model, device=made.device, trust=made.trust)
        _require_updatable(pipeline)
        calibration, known = _calibration(made), load_learnt(made.model)
        rates = rates_of([calibration] if calibration else [], Rates(made.false_alarms, made.review))
        found = list(_judged(made, pipeline, calibration, known))
        new = [one for one in found if not one.reason]
        _require_some(new, found)
        learnt = [*known, *(one.image for one in new)] if known else []
        if learnt:
            promised(rates.false_alarms, rates.review, len(learnt))
            require_folds(pipeline, made.folds, len(learnt))
        history = (*load_history(made.model), _learn(made, pipeline, new, len(found)))
        stored = store(made, pipeline, learnt, rates, history, staging)
    _say(found, calibration)
    announce(made, stored, learnt)


def _require_updatable(pipeline: Pipeline) -> None:
    if not isinstance(pipeline.density, Updatable):
        raise BadArgument(f"{type(pipeline.density).__name__} cannot be updated. Fit on all images instead.")


def _calibration(made: Namespace) -> Calibration | None:
    try:
        return load_calibration(made.model)
    except NotCalibrated as error:
        if made.learn == "all":
            return None
        raise NotCalibrated(f"{error} Or learn all images, whatever their scores: --learn all.") from error


def _judged(
    made: Namespace, pipeline: Pipeline, calibration: Calibration | None, known: Sequence[LearntImage]
) -> Iterator[_New]:
    samples = [Sample(path, anomalous=False) for path in find_images(made.images)]
    images = without_scores(pipeline, samples)
    seen = {image.sha256: image.path for image in known}
    anomalous = {image.sha256: image.path for image in anomalies_of(load_history(made.model))}
    batches = pipeline.read(samples, made.batch_size, made.workers, "Scoring")
    scores = [score for batch in batches for score in pipeline.predict_batch(batch).image_scores.tolist()]
    for sample, image, score in zip(samples, images, scores, strict=True):
        if image.sha256 in seen:
            reason = f'is learnt already, as "{seen[image.sha256]}"'
        elif image.sha256 in anomalous:
            reason = f'is learnt as an anomalous one, "{anomalous[image.sha256]}"'
        elif made.learn == "below" and calibration and calibration.verdict(score) is Verdict.NG:
            reason = f"scores {score:.4g}, above the threshold of {calibration.threshold:.4g}"
        else:
            reason = ""
            seen[image.sha256] = image.path
        yield _New(sample, image, score, reason)


def _require_some(new: Sequence[_New], found: Sequence[_New]) -> None:
    if not new:
        raise BadData(
            f"None of the {len(found)} images is to be learnt, so nothing was written: "
            f'"{found[0].sample.path}" {found[0].reason}.'
        )


def _learn(made: Namespace, pipeline: Pipeline, new: Sequence[_New], given: int) -> Step:
    samples, named = [one.sample for one in new], [str(path) for path in made.images]
    with logs_shown(pipeline):
        pipeline.update(samples, batch_size=made.batch_size, workers=made.workers)
    return step("update", samples, pipeline, data=named, left_out=given - len(new))


def _say(found: Sequence[_New], calibration: Calibration | None) -> None:
    """Print how many images were learnt, and which were left out and why."""
    out = [one for one in found if one.reason]
    verdicts = [calibration.verdict(one.score) for one in found if not one.reason] if calibration else []
    counts = {verdict: verdicts.count(verdict) for verdict in (Verdict.REVIEW, Verdict.NG)}
    doubtful = ", ".join(f"{count} of them {verdict.value}" for verdict, count in counts.items() if count)
    print(f"Learnt {len(found) - len(out)} of {len(found)} images{doubtful and f' ({doubtful})'}")
    if out:
        print(f"Left out {len(out)}:")
    print_first(f"{one.sample.path} {one.reason}" for one in out)
