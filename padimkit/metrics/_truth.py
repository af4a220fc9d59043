"""Scores beside the truth about them."""

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


@final
class Comparison:
    """The scores of images or pixels, paired with the truth, and the numbers of normal and anomalous ones."""

    def __init__(self, metric: str, level: Level) -> None:
        self._metric = metric
        self._level = level
        self.clear()

    def clear(self) -> None:
        """Forget all batches."""
        self._seen = {"normal": 0, "anomalous": 0}
        self._images = 0
        self._images_without_truth = 0

    def pair(self, prediction: Prediction, truth: Batch) -> tuple[ScoreArray, TruthArray]:
        """Return the scores of a batch in float32 and their truth, true if anomalous; both may be empty.

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
            scores, anomalous = scores[:0], torch.zeros(scores[:0].shape, dtype=torch.bool)
        pair = _checked(scores, anomalous, truth.paths), anomalous.cpu().numpy()
        found = int(np.count_nonzero(pair[1]))
        self._seen["anomalous"] += found
        self._seen["normal"] += pair[1].size - found
        return pair

    def require_both(self) -> None:
        """Raise UndefinedMetric if truth is missing, or if everything is normal or everything anomalous."""
        self._require_truth()
        absent = " and ".join(f"0 {kind}" for kind, count in self._seen.items() if count == 0)
        if absent:
            raise UndefinedMetric(
                f"{self._metric} needs normal and anomalous {self._level}s, "
                f"found {absent} {self._level}s in {self._images} images."
            )

    def _require_truth(self) -> None:
        truth, missing = _TRUTH[self._level], self._images_without_truth
        if missing and missing == self._images:
            raise UndefinedMetric(f"{self._metric} needs {truth}, but the data set has no {truth}.")
        if missing:
            raise UndefinedMetric(
                f"{self._metric} needs {truth} for all images, but {missing} of {self._images} have none."
            )


def _checked(
    scores: Float[Tensor, "..."], anomalous: Bool[Tensor, "..."], paths: tuple[str, ...]
) -> ScoreArray:
    if scores.shape != anomalous.shape:
        raise BadShape(
            f"Scores of shape {tuple(scores.shape)} cannot be compared with truth of shape "
            f'{tuple(anomalous.shape)}, from "{paths[0]}" on.'
        )
    if anomalous.dtype != torch.bool:
        raise BadShape(
            f'Expected truth of torch.bool, got {anomalous.dtype}, from "{paths[0]}" on. Use "> 0".'
        )
    array: ScoreArray = scores.detach().to("cpu", torch.float32).numpy()
    unordered = [bool(np.isnan(image).any()) for image in array]
    if any(unordered):
        raise BadScores(f'The scores of "{paths[unordered.index(True)]}" hold NaN, which has no rank.')
    return array
