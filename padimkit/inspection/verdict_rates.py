"""The rates of wrong verdicts as metrics: false alarms and misses at the threshold of a calibration."""

from typing import final

from padimkit.contracts import Metric
from padimkit.errors import UndefinedMetric
from padimkit.inspection.calibration import Calibration, Verdict
from padimkit.values import Batch, Prediction

FALSE_ALARMS = "false_alarms"
MISSES = "misses"


@final
class FalseAlarms(Metric):
    """The share of normal images that are NG.

    Args:
        calibration: It gives the verdicts.
    """

    higher_is_better = False

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self.reset()

    @property
    def count(self) -> int:
        """The number of normal images that are NG."""
        return self._normal.alarms

    @property
    def total(self) -> int:
        """The number of normal images."""
        return self._normal.total

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add image scores and labels.

        Raises:
            BadScores: A score is NaN.
        """
        self._normal.add(self.calibration, prediction, truth)

    def compute(self) -> float:
        """Return the share."""
        self._normal.require(FALSE_ALARMS, "normal")
        return self.count / self.total

    def reset(self) -> None:
        """Forget all images."""
        self._normal = _Alarms(anomalous=False)


@final
class Misses(Metric):
    """The share of anomalous images that are not NG; one for REVIEW is missed too.

    Args:
        calibration: It gives the verdicts.
    """

    higher_is_better = False

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self.reset()

    @property
    def count(self) -> int:
        """The number of anomalous images that are not NG."""
        return self._anomalous.total - self._anomalous.alarms

    @property
    def total(self) -> int:
        """The number of anomalous images."""
        return self._anomalous.total

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add image scores and labels.

        Raises:
            BadScores: A score is NaN.
        """
        self._anomalous.add(self.calibration, prediction, truth)

    def compute(self) -> float:
        """Return the share."""
        self._anomalous.require(MISSES, "anomalous")
        return self.count / self.total

    def reset(self) -> None:
        """Forget all images."""
        self._anomalous = _Alarms(anomalous=True)


def verdict_rates(calibration: Calibration) -> dict[str, FalseAlarms | Misses]:
    """Return both metrics by their names."""
    return {FALSE_ALARMS: FalseAlarms(calibration), MISSES: Misses(calibration)}


class _Alarms:
    """Counts of the images of one kind, and of those that are NG among them."""

    def __init__(self, *, anomalous: bool) -> None:
        self.alarms = self.total = 0
        self._anomalous = anomalous
        self._unlabelled = 0

    def add(self, calibration: Calibration, prediction: Prediction, truth: Batch) -> None:
        if truth.labels is None:
            self._unlabelled += len(truth.paths)
            return
        pairs = zip(prediction.image_scores.tolist(), truth.labels.tolist(), strict=True)
        found = [
            calibration.verdict(score) is Verdict.NG for score, label in pairs if label is self._anomalous
        ]
        self.alarms += sum(found)
        self.total += len(found)

    def require(self, name: str, kind: str) -> None:
        if self._unlabelled:
            raise UndefinedMetric(f"{name} needs labels, but {self._unlabelled} images have none.")
        if self.total == 0:
            raise UndefinedMetric(f"{name} needs {kind} images, and there are none.")
