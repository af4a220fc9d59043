"""The rate of false alarms that a cell promises.

It stands apart from the suite, which refuses what cannot be promised, since a dry run shows it too.
"""

from padimkit.benchmark.cell import Cell, Facts
from padimkit.errors import BadArgument, BadConfig
from padimkit.inspection.calibration import promised


def promised_rate(cell: Cell, facts: Facts) -> float | None:
    """Return the rate that follows from the number of training images; None if no verdicts are asked for.

    Raises:
        BadConfig: The images are too few for the rate or the folds that are asked for, or repeat each other.
    """
    if cell.calibration is None:
        return None
    count = cell.train_images or facts.train_images
    try:
        _require_calibrating(cell.calibration.folds, count, facts.train_images)
        rate, _ = promised(cell.calibration.false_alarms, None, count)
    except BadArgument as error:
        raise BadConfig(f'"{cell.title}" cannot be calibrated: {error}') from error
    return rate


def _require_calibrating(folds: int, count: int, known: int) -> None:
    if count > known:
        raise BadArgument(
            f'"train_images" of {count} repeats the {known} images there are. An image that is left out '
            "would still be learnt from its copy, and its score would be too low."
        )
    if folds > count:
        raise BadArgument(
            f'Expected "calibration.folds" of at most {count}, the number of training images, got {folds}.'
        )
