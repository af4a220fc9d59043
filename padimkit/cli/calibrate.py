"""`padimkit calibrate`: the thresholds of a stored model, by normal images.

A command of its own, of which `fit` prints the same lines about a calibration.
"""

from collections.abc import Sequence

from jsonargparse import Namespace

from padimkit.cli.listing import print_first
from padimkit.config.commands import CALIBRATE, calibrate_parser
from padimkit.config.parser import instantiated, parse
from padimkit.errors import BadConfig, BadData
from padimkit.files import new_folder
from padimkit.images.sample import Sample
from padimkit.inspection.calibrate import calibrate, calibrate_held_out, require_folds, without_scores
from padimkit.inspection.calibration import USUAL_RATE, Calibration, promised
from padimkit.inspection.history import anomalies_of
from padimkit.inspection.learnt import LearntImage
from padimkit.pipeline.pipeline import Pipeline
from padimkit.storage import MANIFEST, load, load_history, load_learnt, write_calibration


def run(words: list[str]) -> None:
    """Calibrate a stored model by the training images of the data, and store it again."""
    parser = calibrate_parser(
        "Set the thresholds of the model in a folder by normal images, the training images of --data: all "
        "that it has learnt, each scored as if it had not been, or only others. --output FOLDER leaves the "
        "model as it is and writes another.",
    )
    made = instantiated(parser, parse(parser, CALIBRATE, words))
    samples = made.data.train()
    promised(made.false_alarms, made.review, len(samples))
    learnt, output = load_learnt(made.model), made.output or made.model
    overwrite = made.overwrite or output == made.model
    with new_folder(output, overwrite=overwrite, marker=MANIFEST) as staging:
        pipeline = load(made.model, device=made.device, trust=made.trust)
        calibration = _calibration(made, pipeline, learnt, samples)
        write_calibration(calibration, made.model, staging)
    print(f"Calibrated; the model is in {output}")
    print_calibration(calibration)


def print_calibration(calibration: Calibration) -> None:
    """Print thresholds, what they promise, and the suspicious images."""
    count = len(calibration.scores)
    how = "that were not learnt" if calibration.held_out else "scored as if they had not been learnt"
    print(
        f"{count} normal images, {how}: NG above {calibration.threshold:.4g} (at most "
        f"{calibration.false_alarms:.2%} false alarms), REVIEW above {calibration.review_threshold:.4g} "
        f"({calibration.review:.2%})"
    )
    if calibration.false_alarms > USUAL_RATE and calibration.false_alarms == 1 / (count + 1):
        print(f"So few images cannot promise less; {USUAL_RATE:.0%} takes {round(1 / USUAL_RATE) - 1}.")
    suspicious = calibration.suspicious
    if suspicious:
        print(f"{len(suspicious)} suspicious training images, far above the others; have a look at them:")
        print_suspicious(suspicious)


def print_suspicious(images: Sequence[LearntImage]) -> None:
    """Print scores and paths of the first images."""
    print_first(f"{image.score:.4g}  {image.path}" for image in images)


def _calibration(
    made: Namespace, pipeline: Pipeline, learnt: Sequence[LearntImage], samples: Sequence[Sample]
) -> Calibration:
    options = {"review": made.review, "batch_size": made.batch_size, "workers": made.workers}
    if _are_learnt(made, learnt, without_scores(pipeline, samples)):
        if anomalies_of(load_history(made.model)):
            raise BadConfig(
                f'"{made.model}" has learnt anomalous images too, without which it cannot be fitted again '
                "on a part of the others. Calibrate it on other normal images, or while it is fitted."
            )
        require_folds(pipeline, made.folds, len(samples))
        return calibrate(pipeline, samples, made.false_alarms, folds=made.folds, **options)
    return calibrate_held_out(pipeline, samples, made.false_alarms, **options)


def _are_learnt(made: Namespace, learnt: Sequence[LearntImage], images: Sequence[LearntImage]) -> bool:
    """Return whether the images are those that the model has learnt, or false if none of them is.

    Raises:
        BadConfig: The model does not say, and neither does the option, or the two contradict each other.
        BadData: Some are, in which case neither all nor none could be scored rightly.
    """
    known, given = [image.sha256 for image in learnt], [image.sha256 for image in images]
    if not known:
        if made.learnt is None:
            raise BadConfig(
                f'"{made.model}" does not say which images it has learnt. Pass --learnt true if these are '
                "all of them, in the same order, or --learnt false if none of these is."
            )
        return bool(made.learnt)
    common = set(known) & set(given)
    if common and known != given:
        raise BadData(
            f"{len(common)} of the {len(given)} images are among the {len(known)} that the model has learnt. "
            "Pass all of these in the order of its training.csv, or none."
        )
    if made.learnt is not None and made.learnt != bool(common):
        share = "all" if common else "none"
        raise BadConfig(f'"learnt" is {made.learnt}, but "{made.model}" has learnt {share} of the images.')
    return bool(common)
