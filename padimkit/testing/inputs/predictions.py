"""Made-up test sets: scores and maps of different quality, with the truth, and metrics run on them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from padimkit.contracts import Metric
from padimkit.testing.answers import DataSet, Result
from padimkit.testing.check import Make, require
from padimkit.testing.inputs.scale import images_or, size_or
from padimkit.values import Batch, Prediction

Quality: TypeAlias = Literal["perfect", "fair", "constant", "inverted"]
_IMAGES, _SIDE = 12, 16  # half of the images are normal


@dataclass(frozen=True)
class LabelledPrediction:
    """Predictions of some images, and the truth about them."""

    prediction: Prediction
    truth: Batch

    def images(self, start: int, stop: int) -> "LabelledPrediction":
        """Return the predictions of some of the images, in the same memory."""
        part, truth = slice(start, stop), self.truth
        return LabelledPrediction(
            Prediction(self.prediction.image_scores[part], self.prediction.anomaly_maps[part]),
            Batch(
                truth.images[part],
                truth.paths[part],
                None if truth.labels is None else truth.labels[part],
                None if truth.masks is None else truth.masks[part],
            ),
        )

    def batches(self, size: int) -> list["LabelledPrediction"]:
        """Return all predictions in batches."""
        return [self.images(start, start + size) for start in range(0, len(self.truth.paths), size)]

    def narrow(self) -> "LabelledPrediction":
        """Return the same predictions with maps and images of odd sides, higher than wide."""
        return self._moved(lambda pixels: pixels[..., : pixels.shape[-2] - 1, : pixels.shape[-1] - 5])

    def turned(self) -> "LabelledPrediction":
        """Return the same predictions with maps and images turned by 90 degrees."""
        return self._moved(lambda pixels: pixels.rot90(1, (-2, -1)))

    def _moved(self, move: Callable[[Tensor], Tensor]) -> "LabelledPrediction":
        maps, truth = self.prediction.anomaly_maps, self.truth
        assert truth.masks is not None
        return LabelledPrediction(
            Prediction(self.prediction.image_scores, move(maps).contiguous()),
            Batch(move(truth.images).contiguous(), truth.paths, truth.labels, move(truth.masks).contiguous()),
        )

    def scaled(self, scale: float) -> "LabelledPrediction":
        """Return the same predictions with scores that are this many times as high."""
        scores, maps = self.prediction.image_scores, self.prediction.anomaly_maps
        return LabelledPrediction(Prediction(scale * scores, scale * maps), self.truth)

    def without_truth(self) -> "LabelledPrediction":
        """Return the same predictions with neither labels nor masks."""
        return LabelledPrediction(self.prediction, Batch(self.truth.images, self.truth.paths))

    def tensors(self) -> Result:
        """Return all tensors by name."""
        named = {
            "image_scores": self.prediction.image_scores,
            "anomaly_maps": self.prediction.anomaly_maps,
            "images": self.truth.images,
            "labels": self.truth.labels,
            "masks": self.truth.masks,
        }
        return {name: tensor for name, tensor in named.items() if tensor is not None}


def labelled_prediction(quality: Quality = "fair", data: DataSet = "first") -> LabelledPrediction:
    """Return predictions of normal images, then of anomalous ones with one or two anomalous regions.

    Scores are far above 1, as distances are.
    """
    seed = 1 if data == "first" else 2
    labels, masks = _truth(seed)
    generator = torch.Generator().manual_seed(seed)
    maps, scores = _scores(masks, quality, generator), _scores(labels, quality, generator)
    paths = tuple(f"{data}/{index}.png" for index in range(len(labels)))
    images = torch.rand(len(labels), 3, *masks.shape[1:], generator=generator)
    return LabelledPrediction(Prediction(scores, maps), Batch(images, paths, labels, masks))


def normal_only() -> LabelledPrediction:
    """Return predictions of normal images alone."""
    return labelled_prediction().images(0, _normal_images())


def anomalous_only() -> LabelledPrediction:
    """Return predictions of images that are anomalous everywhere."""
    rest = labelled_prediction().images(_normal_images(), 2 * _normal_images())
    assert rest.truth.masks is not None
    masks = torch.ones_like(rest.truth.masks)
    return LabelledPrediction(
        rest.prediction, Batch(rest.truth.images, rest.truth.paths, rest.truth.labels, masks)
    )


def _truth(seed: int) -> tuple[Bool[Tensor, " b"], Bool[Tensor, "b H W"]]:
    count = 2 * _normal_images()
    labels = torch.arange(count) >= count // 2
    masks = torch.zeros(count, _SIDE, _SIDE, dtype=torch.bool)
    for index in range(count // 2, count):
        top = (3 * index + seed) % 9
        masks[index, top : top + 4, 2:5] = True
        if index % 2:
            masks[index, 3:6, 9 : 11 + seed] = True
    size = size_or((_SIDE, _SIDE))
    return labels, F.interpolate(masks[:, None].float(), size)[:, 0].bool()


def _normal_images() -> int:
    return images_or(_IMAGES) // 2


def _scores(
    anomalous: Bool[Tensor, "..."], quality: Quality, generator: torch.Generator
) -> Float[Tensor, "..."]:
    noise = torch.randn(anomalous.shape, generator=generator)
    if quality == "constant":
        return torch.full(anomalous.shape, 40.0)
    if quality == "fair":
        return 40 + 4 * (noise + anomalous)
    gap = 10.0 if quality == "perfect" else -10.0
    return 40 + noise.clamp(-3, 3) + gap * anomalous


_ROUNDING = 1e-5  # some metrics add up in float32


def value_of(make: Make, *given: LabelledPrediction) -> float:
    """Return the value of a fresh metric after an update with each of the predictions."""
    return computed(updated(make, *given))


def updated(make: Make, *given: LabelledPrediction) -> Metric:
    """Return a fresh metric after an update with each of the predictions."""
    metric: Metric = make()
    for one in given:
        update(metric, one)
    return metric


def update(metric: Metric, given: LabelledPrediction) -> None:
    """Update the metric with the predictions."""
    metric.update(given.prediction, given.truth)


def computed(metric: Metric) -> float:
    """Return the metric value as a float; another check looks at its type."""
    return float(metric.compute())


def require_same(found: float, expected: float, when: str) -> None:
    """Require two metric values to be equal, rounding apart."""
    same = math.isclose(found, expected, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    require(same, f"Expected the same metric value {when}, found {found:.8g} instead of {expected:.8g}.")
