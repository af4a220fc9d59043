"""The rates of wrong verdicts as metrics: false alarms and misses at the threshold of a calibration."""

from abc import abstractmethod
from typing import ClassVar, final

from padimkit.contracts import Metric
from padimkit.errors import UndefinedMetric
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.verdict import FALSE_ALARMS, MISSES, Verdict
from padimkit.values import Batch, Prediction


class VerdictRate(Metric):
    """The share of the images of one kind whose verdict is wrong.

    Args:
        calibration: It gives the verdicts.

    Attributes:
        total: The number of images of this kind.
        count: The number of those whose verdict is wrong.
    """

    higher_is_better = False
    name: ClassVar[str]
    anomalous: ClassVar[bool]  # the kind

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self.reset()

    @abstractmethod
    def is_wrong(self, verdict: Verdict) -> bool:
        """Return whether this verdict is wrong for an image of the kind."""

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add image scores and labels.

        Raises:
            BadScores: A score is NaN.
        """
        if truth.labels is None:
            self._unlabelled += len(truth.paths)
            return
        pairs = zip(prediction.image_scores.tolist(), truth.labels.tolist(), strict=True)
        verdicts = [self.calibration.verdict(score) for score, label in pairs if label is self.anomalous]
        self.total += len(verdicts)
        self.count += sum(map(self.is_wrong, verdicts))

    def compute(self) -> float:
        """Return the share.

        Raises:
            UndefinedMetric: An image has no label, or there are none of the kind.
        """
        if self._unlabelled:
            raise UndefinedMetric(f"{self.name} needs labels, but {self._unlabelled} images have none.")
        if self.total == 0:
            kind = "anomalous" if self.anomalous else "normal"
            raise UndefinedMetric(f"{self.name} needs {kind} images, and there are none.")
        return self.count / self.total

    def reset(self) -> None:
        """Forget all images."""
        self.count = self.total = self._unlabelled = 0


@final
class FalseAlarms(VerdictRate):
    """The share of normal images that are NG."""

    name, anomalous = FALSE_ALARMS, False

    def is_wrong(self, verdict: Verdict) -> bool:
        """Return whether it is NG."""
        return verdict is Verdict.NG


@final
class Misses(VerdictRate):
    """The share of anomalous images that are OK; one for REVIEW is not missed."""

    name, anomalous = MISSES, True

    def is_wrong(self, verdict: Verdict) -> bool:
        """Return whether it is OK."""
        return verdict is Verdict.OK


def verdict_rates(calibration: Calibration) -> dict[str, VerdictRate]:
    """Return both metrics by their names."""
    return {rate.name: rate for rate in (FalseAlarms(calibration), Misses(calibration))}
