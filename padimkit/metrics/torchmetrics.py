"""The metrics of torchmetrics as metrics of padimkit."""

from typing import final

import numpy as np
import torch
import torchmetrics
from jaxtyping import Float64, Int64
from torch import Tensor

from padimkit.arguments.checked import Checked
from padimkit.contracts import Metric
from padimkit.errors import BadArgument, UndefinedMetric
from padimkit.metrics._truth import Comparison, FlatScores, Level
from padimkit.values import Batch, Prediction


@final
class TorchMetric(Metric):
    """A metric of torchmetrics for binary classification that gives one number.

    torchmetrics takes scores outside [0, 1] for logits and squashes them, which makes large ones equal. So
    all scores are kept and scaled in float64, in the same order, from 0, the lowest of the test set, to 1,
    the highest. Metrics that depend on the order only, such as BinaryAveragePrecision, stay the same, within
    the float32 of torchmetrics. The threshold of others, such as BinaryF1Score, lies at that share of the way
    from the lowest to the highest score: a single extreme score moves it, so compare their values on one test
    set only. Calibration errors mean nothing here.

    Args:
        metric: Any metric that takes scores and targets 0 and 1, by its class path.
        level: The scores that the metric takes: those of images or those of pixels.
    """

    checked = Checked(
        arguments={"metric": {"class_path": "torchmetrics.classification.BinaryAveragePrecision"}}
    )

    def __init__(self, metric: torchmetrics.Metric, level: Level = "image") -> None:
        self.metric = metric
        self.level = level
        if metric.higher_is_better is None:
            raise BadArgument(
                f"{_name(metric)} does not say whether higher is better; choose another metric."
            )
        self._comparison = Comparison(_name(metric), level)
        self._normal: list[FlatScores] = []
        self._anomalous: list[FlatScores] = []

    @property
    def higher_is_better(self) -> bool:
        """Return the direction that the metric states."""
        return bool(self.metric.higher_is_better)

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add scores and labels, or maps and masks."""
        scores, anomalous = self._comparison.pair(prediction, truth)
        self._normal.append(scores[~anomalous])
        self._anomalous.append(scores[anomalous])

    def compute(self) -> float:
        """Return the metric value over all images or pixels.

        Raises:
            BadArgument: The metric does not take binary targets, or its result is not one number.
            UndefinedMetric: The truth is missing, all of it is equal, or a score is infinite.
        """
        self._comparison.require_both()
        scores = self._stretched(np.concatenate([*self._normal, *self._anomalous]))
        normal = sum(part.size for part in self._normal)
        targets = (torch.arange(len(scores)) >= normal).long()
        return self._number(self._result(scores, targets))

    def reset(self) -> None:
        """Forget all scores."""
        self._comparison.clear()
        self._normal, self._anomalous = [], []

    def _stretched(self, scores: FlatScores) -> Float64[Tensor, " _"]:
        lowest, highest = float(scores.min()), float(scores.max())
        if not np.isfinite([lowest, highest]).all():
            raise UndefinedMetric(
                f"{_name(self.metric)} needs finite scores, found {lowest} to {highest} on this test set."
            )
        shifted = torch.from_numpy(scores).double() - lowest
        return shifted / (highest - lowest) if highest > lowest else shifted

    def _result(self, scores: Float64[Tensor, " n"], targets: Int64[Tensor, " n"]) -> object:
        metric = self.metric.clone()  # the caller's instance stays as it is
        metric.reset()
        try:
            metric.update(scores, targets)
            return metric.compute()
        except Exception as error:
            raise BadArgument(
                f"{_name(metric)} cannot compare scores with targets 0 and 1: {error}"
            ) from error

    def _number(self, result: object) -> float:
        if isinstance(result, Tensor) and result.numel() == 1:
            return float(result)
        raise BadArgument(
            f"{_name(self.metric)} returns {_described(result)}, not one number; choose a metric that does."
        )


def _name(metric: torchmetrics.Metric) -> str:
    return type(metric).__name__


def _described(result: object) -> str:
    return (
        f"a tensor of shape {tuple(result.shape)}"
        if isinstance(result, Tensor)
        else f"a {type(result).__name__}"
    )
