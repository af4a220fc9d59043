"""The calibration and the storing of models that have learnt more, for `update` and `merge`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jsonargparse import Namespace

from padimkit.cli.calibrate import print_calibration
from padimkit.cli.output import require_output
from padimkit.files import new_folder
from padimkit.inspection.calibrate import calibrate
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.history import Step, anomalies_of
from padimkit.inspection.learnt import LearntImage
from padimkit.inspection.recalibration import Rates, hindrance, samples_of
from padimkit.pipeline.pipeline import Pipeline
from padimkit.storage import MANIFEST, write_model

_ANOMALOUS = "the model has learnt anomalous images too, without which it cannot be fitted again on a part"


@dataclass(frozen=True)
class Stored:
    """A model that was written: its calibration, or the reason why it has none."""

    calibration: Calibration | None
    reason: str


@contextmanager
def output_of(made: Namespace) -> Iterator[Path]:
    """Yield a folder that becomes the output; one that cannot be written is refused before the work is done.

    Raises:
        BadConfig: No output is named.
        BadOutput: It exists and is not to be overwritten, or cannot be written.
    """
    output = require_output(made.output, "FOLDER for the new model")
    with new_folder(output, overwrite=made.overwrite, marker=MANIFEST) as staging:
        yield staging


def store(
    made: Namespace,
    pipeline: Pipeline,
    learnt: Sequence[LearntImage],
    rates: Rates,
    history: Sequence[Step],
    folder: Path,
) -> Stored:
    """Calibrate a pipeline by all images that it has learnt, if they can be read again, and write the model.

    A calibration of an earlier state would promise too much or too little, so none is kept. Folds would be
    fitted without anomalous images, so there is none of models that have learnt some.
    """
    reason = _ANOMALOUS if anomalies_of(history) else hindrance(learnt)
    calibration = None if reason else _calibration(made, pipeline, learnt, rates)
    write_model(pipeline, folder, calibration, calibration.images if calibration else learnt, history)
    return Stored(calibration, reason)


def announce(made: Namespace, stored: Stored, learnt: Sequence[LearntImage]) -> None:
    """Print where the model is, and its calibration or the command that mends that it has none."""
    print(f"The model is in {made.output}")
    if stored.calibration:
        print_calibration(stored.calibration)
        return
    known = "" if learnt else " --learnt false"
    print(
        f"It has no calibration, since {stored.reason}. Run, with normal images that it has not learnt: "
        f"padimkit calibrate {made.output} --data folder --data.normal FOLDER{known}"
    )


def _calibration(
    made: Namespace, pipeline: Pipeline, learnt: Sequence[LearntImage], rates: Rates
) -> Calibration:
    return calibrate(
        pipeline,
        samples_of(learnt),
        rates.false_alarms,
        review=rates.review,
        folds=made.folds,
        batch_size=made.batch_size,
        workers=made.workers,
    )
