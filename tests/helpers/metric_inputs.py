"""Arrays to predictions and truth, as a metric takes them in."""

from collections.abc import Iterator

import numpy as np
import torch

from padimkit.contracts import Metric
from padimkit.values import Batch, Prediction

Pair = tuple[Prediction, Batch]


def of_images(scores: np.ndarray, labels: np.ndarray | None) -> Pair:
    images = torch.as_tensor(scores)
    maps = torch.zeros(len(images), 1, 1)
    truth = Batch(_pictures(maps), _paths(maps), labels=None if labels is None else _bools(labels))
    return Prediction(images, maps), truth


def of_pixels(maps: np.ndarray, masks: np.ndarray | None) -> Pair:
    scores = torch.as_tensor(maps)
    truth = Batch(_pictures(scores), _paths(scores), masks=None if masks is None else _bools(masks))
    return Prediction(scores.amax((1, 2)), scores), truth


def tied_maps(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Maps with few distinct scores, and masks with regions of all sizes; some images are normal."""
    count, height, width = (int(n) for n in random.integers((2, 3, 3), (9, 14, 14)))
    levels = int(random.integers(2, 40))
    masks = random.random((count, height, width)) < random.uniform(0.05, 0.5)
    masks[0] = False
    masks[1, 0, :2] = (False, True)
    maps = random.integers(0, levels, masks.shape) + masks * random.integers(0, levels)
    return maps.astype(np.float32) / 8 - 1, masks


def computed(metric: Metric, pair: Pair) -> float:
    metric.update(*pair)
    return metric.compute()


def pieces(pair: Pair, size: int) -> Iterator[Pair]:
    prediction, truth = pair
    for start in range(0, len(truth.paths), size):
        part = slice(start, start + size)
        yield (
            Prediction(prediction.image_scores[part], prediction.anomaly_maps[part]),
            Batch(
                truth.images[part],
                truth.paths[part],
                None if truth.labels is None else truth.labels[part],
                None if truth.masks is None else truth.masks[part],
            ),
        )


def _pictures(maps: torch.Tensor) -> torch.Tensor:
    return torch.zeros(len(maps), 3, *maps.shape[1:])


def _paths(maps: torch.Tensor) -> tuple[str, ...]:
    return tuple(f"{number}.png" for number in range(len(maps)))


def _bools(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(array, dtype=torch.bool)  # a copy: tests change what they are given
