"""`padimkit fit`: learn from normal images and store the model.

A command of its own: `main` imports it by name when it is called.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jsonargparse import Namespace

from padimkit.cli.calibrate import print_calibration, print_suspicious
from padimkit.cli.output import require_output
from padimkit.cli.predict import find_images
from padimkit.cli.progress import logs_shown
from padimkit.config.commands import FIT, fit_parser
from padimkit.config.parser import instantiated, parse_pipeline, plain
from padimkit.errors import BadArgument, BadConfig, BadData, PadimkitError
from padimkit.files import new_folder
from padimkit.images.sample import Sample
from padimkit.inspection.calibrate import calibration_of, require_folds, without_scores
from padimkit.inspection.calibration import Calibration, promised
from padimkit.inspection.doubts import doubts
from padimkit.inspection.history import Step, step, unseen_text
from padimkit.inspection.learnt import LearntImage
from padimkit.inspection.suspicious import MOST, HighestMaps
from padimkit.storage import MANIFEST, write_model

SUSPICIOUS, LEFT_OUT = "suspicious", "left_out"  # folders of pictures within that of the model


def run(words: list[str]) -> None:
    """Fit the pipeline on the training images of the data and write a model folder."""
    parser = fit_parser("Learn from normal images and store the model in the folder --output.")
    settings, recipe = parse_pipeline(parser, FIT, words)
    require_output(settings.output, "FOLDER for the model")
    if settings.drop_suspicious and not settings.calibrate:
        raise BadConfig('"drop_suspicious" needs "calibrate": without it, no image is suspicious.')
    made = instantiated(parser, settings)
    source = {"recipe": recipe, "data": plain(parser, settings)["data"]}
    start = time.perf_counter()
    samples = made.data.train()
    made.anomalies = [Sample(path, anomalous=True) for path in find_images(made.anomalies)] or None
    made.pipeline.require_takes(made.anomalies)  # known before the work is done
    _require_apart(samples, made.anomalies or ())
    if made.calibrate:
        _require_calibration(made, len(samples))  # known before the work is done
    with new_folder(made.output, overwrite=made.overwrite, marker=MANIFEST) as staging:
        made.pipeline.to(made.device)
        with logs_shown(made.pipeline):
            fitted = _fitted(made, samples, staging / SUSPICIOUS)
            dropped = fitted.suspicious if made.drop_suspicious else ()
            if dropped:
                (staging / SUSPICIOUS).replace(staging / LEFT_OUT)
                samples = _without(samples, fitted.images)
                _require_promise(made, len(samples), len(dropped))
                first, fitted = fitted, _fitted(made, samples, staging / SUSPICIOUS)
                fitted = replace(fitted, calibrating=first.calibrating + fitted.calibrating)
        learnt = fitted.images or without_scores(made.pipeline, samples)
        known = without_scores(made.pipeline, made.anomalies or ())
        done = step("fit", samples, made.pipeline, left_out=len(dropped), anomalies=known, **source)
        write_model(made.pipeline, staging, fitted.calibration, learnt, (done,))
        seconds = time.perf_counter() - start
    _say(made, fitted, done, seconds, dropped)
    for doubt in doubts(learnt, done.sizes):
        print(f"padimkit fit: warning: {doubt}", file=sys.stderr)
    if fitted.reason:
        raise BadConfig(
            f"The model is fitted and in {made.output}, but it has no thresholds, since it cannot be "
            f"calibrated: {fitted.reason} Run padimkit calibrate {made.output} --data folder --data.normal "
            "FOLDER, with other normal images."
        )


def _require_apart(samples: Sequence[Sample], anomalies: Sequence[Sample]) -> None:
    """Raise BadData if a file is among both: a folder of normal images is searched through all below it."""
    normal = {sample.path.resolve() for sample in samples} if anomalies else set()
    both = [sample.path for sample in anomalies if sample.path.resolve() in normal]
    if both:
        raise BadData(f'"{both[0]}" is among the normal images and among the "anomalies".')


@dataclass(frozen=True)
class _Fitted:
    """The calibration after a fit, or the reason why there is none, and the seconds that it took."""

    calibration: Calibration | None = None
    reason: str = ""
    calibrating: float = 0.0

    @property
    def images(self) -> tuple[LearntImage, ...]:
        return self.calibration.images if self.calibration else ()

    @property
    def suspicious(self) -> tuple[LearntImage, ...]:
        return self.calibration.suspicious if self.calibration else ()


def _fitted(made: Namespace, samples: Sequence[Sample], pictures: Path) -> _Fitted:
    """Fit and, if that is asked for, calibrate and write pictures of the suspicious images."""
    run = {"anomalies": made.anomalies, "batch_size": made.batch_size, "workers": made.workers}
    made.pipeline.fit(samples, **run)
    if not made.calibrate:
        return _Fitted()
    start, highest = time.perf_counter(), HighestMaps()
    try:
        left_out = made.pipeline.predict_left_out(samples, folds=made.folds, **run)
        calibration = calibration_of(
            highest.kept_from(left_out), made.pipeline, made.false_alarms, review=made.review
        )
    except PadimkitError as error:  # of the calibration only, so the fit is not lost with it
        return _Fitted(reason=str(error))
    highest.write_pictures(made.pipeline, samples, calibration, pictures)
    return _Fitted(calibration, calibrating=time.perf_counter() - start)


def _require_calibration(made: Namespace, count: int) -> None:
    """Check what can be known before a fit about the calibration after it.

    Raises:
        BadArgument: The images are too few for the rates or the folds.
    """
    promised(made.false_alarms, made.review, count)
    require_folds(made.pipeline, made.folds, count)


def _require_promise(made: Namespace, count: int, dropped: int) -> None:
    try:
        _require_calibration(made, count)
    except BadArgument as error:
        raise BadConfig(f"{dropped} suspicious images are left out, and then: {error}") from error


def _say(
    made: Namespace, fitted: _Fitted, done: Step, seconds: float, dropped: Sequence[LearntImage]
) -> None:
    """Print what was learnt and left out, and the thresholds."""
    times = f"{seconds:.1f} s"
    if fitted.calibration:
        times += f", {fitted.calibrating:.1f} s of them to calibrate"
    others = f" and {len(done.anomalies)} anomalous ones" if done.anomalies else ""
    print(f"Fitted on {done.images} images{others} in {times}; the model is in {made.output}")
    if unseen := unseen_text(done.seen):
        print(unseen)
    if dropped:
        print(f"Left out {len(dropped)} suspicious images, far above the others:")
        print_suspicious(dropped)
        _print_pictures(made.output / LEFT_OUT)
    if fitted.calibration:
        print_calibration(fitted.calibration)
        _print_pictures(made.output / SUSPICIOUS)


def _print_pictures(folder: Path) -> None:
    """Print where the pictures of suspicious images are, if there are any."""
    count = len(list(folder.iterdir())) if folder.is_dir() else 0
    if count:
        print(f"Pictures of {f'the first {count}' if count == MOST else 'them'} are in {folder}")


def _without(samples: Sequence[Sample], images: Sequence[LearntImage]) -> list[Sample]:
    """Return the samples whose images are not suspicious."""
    pairs = zip(samples, images, strict=True)
    return [sample for sample, image in pairs if not image.suspicious]
