"""The verdicts of a cell: a calibration by its training images, and the metrics that follow from it.

It stands alone because only here the harness meets calibrations; the rates themselves are metrics.
"""

from dataclasses import replace
from typing import final

from padimkit.benchmark.cell import CalibrationArguments
from padimkit.benchmark.record import FALSE_ALARMS, MISSES, Verdicts
from padimkit.errors import BadData, PadimkitError
from padimkit.images.inputs import Images
from padimkit.inspection.calibrate import calibrate
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.verdict_rates import verdict_rates
from padimkit.pipeline.pipeline import Pipeline
from padimkit.stages import CALIBRATION, stage


def calibrated(pipeline: Pipeline, images: Images, arguments: CalibrationArguments) -> Calibration:
    """Return the calibration of a fitted pipeline by the images of its fit.

    Raises:
        BadData: It cannot be calibrated by these images, whether one by one or by folds.
    """
    with stage(CALIBRATION):
        try:
            return calibrate(pipeline, images, arguments.false_alarms, folds=arguments.folds, progress=False)
        except PadimkitError as error:
            raise BadData(
                f'The pipeline is fitted, but cannot be calibrated: {error} Leave it out, or "calibration".'
            ) from error


@final
class Judge:
    """The metrics of verdicts by a calibration, by name, and their counts; nothing is for REVIEW."""

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = replace(
            calibration, review=calibration.false_alarms, review_threshold=calibration.threshold
        )
        self.metrics = verdict_rates(self._calibration)

    def verdicts(self) -> Verdicts:
        """Return the counts over the images that the metrics have seen."""
        false_alarms, misses = self.metrics[FALSE_ALARMS], self.metrics[MISSES]
        return Verdicts(
            threshold=self._calibration.threshold,
            promised=self._calibration.false_alarms,
            normal=false_alarms.total,
            anomalous=misses.total,
            false_alarms=false_alarms.count,
            misses=misses.count,
        )
