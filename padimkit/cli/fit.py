"""`padimkit fit`: learn from normal images and store the model.

A command of its own: `main` imports it by name when it is called.
"""

import sys
import time
from collections.abc import Sequence

from jsonargparse import Namespace

from padimkit.cli.calibrate import print_calibration, print_suspicious
from padimkit.cli.progress import logs_shown
from padimkit.config.commands import FIT, fit_parser
from padimkit.config.parser import parse_pipeline, plain
from padimkit.errors import BadArgument, BadConfig, PadimkitError
from padimkit.files import new_folder
from padimkit.images.reader import Sample
from padimkit.inspection.calibrate import calibrate, without_scores
from padimkit.inspection.calibration import Calibration, promised
from padimkit.inspection.doubts import doubts
from padimkit.inspection.history import step, unseen_text
from padimkit.storage import MANIFEST, write_model


def run(words: list[str]) -> None:
    """Fit the pipeline on the training images of the data and write a model folder."""
    parser = fit_parser("Learn from normal images and store the model in the folder --output.")
    settings, recipe = parse_pipeline(parser, FIT, words)
    if settings.output is None:
        raise BadConfig('"output" is missing: pass --output FOLDER for the model.')
    if settings.drop_suspicious and not settings.calibrate:
        raise BadConfig('"drop_suspicious" needs "calibrate": without it, no image is suspicious.')
    made = parser.instantiate(settings)
    source = {"recipe": recipe, "data": plain(parser, settings)["data"]}
    start = time.perf_counter()
    samples = made.data.train()
    if made.calibrate:
        promised(made.false_alarms, made.review, len(samples))  # known before the work is done
    with new_folder(made.output, overwrite=made.overwrite, marker=MANIFEST) as staging:
        made.pipeline.to(made.device)
        with logs_shown(made.pipeline):
            made.pipeline.fit(samples, batch_size=made.batch_size, workers=made.workers)
            fitted = time.perf_counter()
            calibration = _calibration(made, samples) if made.calibrate else None
            calibrating = time.perf_counter() - fitted
            dropped = calibration.suspicious if calibration and made.drop_suspicious else ()
            if calibration and dropped:
                samples = _without(samples, calibration)
                _require_promise(made, len(samples), len(dropped))
                made.pipeline.fit(samples, batch_size=made.batch_size, workers=made.workers)
                fitted = time.perf_counter()
                calibration = _calibration(made, samples)
                calibrating += time.perf_counter() - fitted
        learnt = calibration.images if calibration else without_scores(made.pipeline, samples)
        done = step("fit", samples, made.pipeline.preprocessing, left_out=len(dropped), **source)
        write_model(made.pipeline, staging, calibration, learnt, (done,))
        ended = time.perf_counter()
    times = f"{ended - start:.1f} s"
    if calibration:
        times += f", {calibrating:.1f} s of them to calibrate"
    print(f"Fitted on {len(samples)} images in {times}; the model is in {made.output}")
    if unseen := unseen_text(done.seen):
        print(unseen)
    if dropped:
        print(f"Left out {len(dropped)} suspicious images, far above the others:")
        print_suspicious(dropped)
    if calibration:
        print_calibration(calibration)
    for doubt in doubts(learnt, done.sizes):
        print(f"padimkit fit: warning: {doubt}", file=sys.stderr)


def _require_promise(made: Namespace, count: int, dropped: int) -> None:
    try:
        promised(made.false_alarms, made.review, count)
    except BadArgument as error:
        raise BadConfig(f"{dropped} suspicious images are left out, and then: {error}") from error


def _without(samples: Sequence[Sample], calibration: Calibration) -> list[Sample]:
    """Return the samples whose images are not suspicious."""
    pairs = zip(samples, calibration.images, strict=True)
    return [sample for sample, image in pairs if not image.suspicious]


def _calibration(made: Namespace, samples: Sequence[Sample]) -> Calibration:
    try:
        return calibrate(
            made.pipeline,
            samples,
            made.false_alarms,
            review=made.review,
            folds=made.folds,
            batch_size=made.batch_size,
            workers=made.workers,
        )
    except PadimkitError as error:
        raise BadConfig(
            f"The model is fitted, but cannot be calibrated: {error} To store it without thresholds, fit "
            "again with --calibrate false."
        ) from error
