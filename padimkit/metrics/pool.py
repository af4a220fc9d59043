"""All scores of a test set, normal ones apart from anomalous ones."""

from collections.abc import Callable
from typing import Literal, TypeAlias, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from padimkit.errors import BadScores, BadShape, UndefinedMetric
from padimkit.values import Batch, Prediction

Level = Literal["image", "pixel"]
FlatScores: TypeAlias = Float32[np.ndarray, " _"]
ScoreArray: TypeAlias = Float32[np.ndarray, "b *pixels"]
TruthArray: TypeAlias = Bool[np.ndarray, "b *pixels"]

_TRUTH = {"image": "labels", "pixel": "masks"}


def one_group(scores: ScoreArray, anomalous: TruthArray) -> list[FlatScores]:
    """All anomalous scores of a batch together."""
    return [scores[anomalous]]


@final
class Pool:
    """Collects the scores of images or pixels for a metric that needs all of them at once, in float32.

    `group` sorts the anomalous scores of each batch into groups that the metric looks at one by one.
    """

    def __init__(
        self,
        metric: str,
        level: Level,
        group: Callable[[ScoreArray, TruthArray], list[FlatScores]] = one_group,
    ) -> None:
        self._metric = metric
        self._level = level
        self._group = group
        self.clear()

    def clear(self) -> None:
        """Forgets all scores."""
        self._normal: list[FlatScores] = []
        self._anomalous: list[FlatScores] = []
        self._images = 0
        self._images_without_truth = 0

    def add(self, prediction: Prediction, truth: Batch) -> None:
        """Takes in a copy of the scores of one batch.

        Raises:
            BadShape: Scores and truth are not of the same shape.
            BadScores: A score is NaN.
        """
        self._images += len(truth.paths)
        if self._level == "image":
            scores, anomalous = prediction.image_scores, truth.labels
        else:
            scores, anomalous = prediction.anomaly_maps, truth.masks
        if anomalous is None:
            self._images_without_truth += len(truth.paths)
        else:
            self._add(_checked(scores, anomalous, truth.paths), anomalous.cpu().numpy())

    def split(self) -> tuple[FlatScores, list[FlatScores]]:
        """The normal scores, in a new array that the caller may sort, and the groups of anomalous ones.

        Raises:
            UndefinedMetric: Truth is missing, or everything is normal, or everything is anomalous.
        """
        self._require_truth()
        found = {
            "normal": sum(scores.size for scores in self._normal),
            "anomalous": sum(scores.size for scores in self._anomalous),
        }
        absent = " and ".join(f"0 {kind}" for kind, count in found.items() if count == 0)
        if absent:
            raise UndefinedMetric(
                f"{self._metric} needs normal and anomalous {self._level}s, "
                f"found {absent} {self._level}s in {self._images} images."
            )
        return np.concatenate(self._normal), self._anomalous

    def _add(self, scores: ScoreArray, anomalous: TruthArray) -> None:
        self._normal.append(scores[~anomalous])
        self._anomalous.extend(self._group(scores, anomalous))

    def _require_truth(self) -> None:
        truth, missing = _TRUTH[self._level], self._images_without_truth
        if missing and missing == self._images:
            raise UndefinedMetric(f"{self._metric} needs {truth}, the data set has no {truth}.")
        if missing:
            raise UndefinedMetric(
                f"{self._metric} needs {truth} for all images, {missing} of {self._images} have none."
            )


def _checked(
    scores: Float[Tensor, "..."], anomalous: Bool[Tensor, "..."], paths: tuple[str, ...]
) -> ScoreArray:
    if scores.shape != anomalous.shape:
        raise BadShape(
            f"Scores of shape {tuple(scores.shape)} cannot be compared with truth of shape "
            f'{tuple(anomalous.shape)}, from "{paths[0]}" on.'
        )
    array: ScoreArray = scores.detach().to("cpu", torch.float32).numpy()
    unordered = np.isnan(array).reshape(len(paths), -1).any(axis=1)
    if unordered.any():
        raise BadScores(f'The scores of "{paths[int(unordered.argmax())]}" hold NaN, which has no rank.')
    return array
