"""`padimkit merge`: one model of two that have learnt other images.

A command of its own: `main` imports it by name when it is called.
"""

from collections.abc import Iterable
from pathlib import Path

from padimkit.cli.recalibrate import announce, output_of, store
from padimkit.config.commands import MERGE, merge_parser
from padimkit.config.parser import parse
from padimkit.errors import BadData, NotCalibrated
from padimkit.inspection.calibrate import require_folds
from padimkit.inspection.calibration import Calibration, promised
from padimkit.inspection.history import merged
from padimkit.inspection.learnt import LearntImage
from padimkit.inspection.recalibration import Rates, rates_of
from padimkit.storage import load_calibration, load_history, load_learnt, load_parts, require_whole


def run(words: list[str]) -> None:
    """Merge two stored models, calibrate by the images of both, and write a third."""
    parser = merge_parser(
        "Make one model of two that have learnt other images, as if it had learnt all of them. Their parts, "
        "arguments and image sizes must be the same. The model in the folder --output is calibrated by all "
        "images of both, each scored as if it had not been learnt; it has no calibration if they are gone.",
    )
    made = parse(parser, MERGE, words)
    with output_of(made) as staging:
        pipeline, other = (
            load_parts(path, device=made.device, trust=made.trust) for path in (made.model, made.other)
        )
        rates = rates_of(_calibrations((made.model, made.other)), Rates(made.false_alarms, made.review))
        learnt = _both(load_learnt(made.model), load_learnt(made.other))
        if learnt:
            promised(rates.false_alarms, rates.review, len(learnt))
            require_folds(pipeline, made.folds, len(learnt))
        pipeline.merge(other)
        require_whole(pipeline, made.model)
        history = merged(load_history(made.model), load_history(made.other), str(made.other))
        stored = store(made, pipeline, learnt, rates, history, staging)
    announce(made, stored, learnt)


def _calibrations(folders: Iterable[Path]) -> list[Calibration]:
    found = []
    for folder in folders:
        try:
            found.append(load_calibration(folder))
        except NotCalibrated:
            continue
    return found


def _both(own: tuple[LearntImage, ...], other: tuple[LearntImage, ...]) -> list[LearntImage]:
    """Return the images of both models, or none if one does not say which it has learnt.

    Raises:
        BadData: Both have learnt the same image, which would count twice.
    """
    known = {image.sha256: image.path for image in own}
    common = [image for image in other if image.sha256 in known]
    if common:
        raise BadData(
            f"Both models have learnt {len(common)} of the images, which would count twice, such as "
            f'"{known[common[0].sha256]}". Fit on all images instead.'
        )
    return [*own, *other] if own and other else []
