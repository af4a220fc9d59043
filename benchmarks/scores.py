"""Scores of embeddings that are in memory: by a Gaussian, and of what it has learnt as if it had not."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from benchmarks.inputs import reduced
from padimkit import AnomalyMap, Embedding, Gaussian, Prediction
from padimkit.values import Scores

MAP = AnomalyMap(sigma=2.0)


def fitted(learnt: Tensor) -> Gaussian:
    """Return a Gaussian fitted on these embeddings."""
    density = Gaussian()
    density.fit([Embedding(part) for part in learnt.split(reduced.BATCH)])
    return density


def unseen(density: Gaussian, embeddings: Tensor) -> Iterator[Prediction]:
    """Yield the predictions for embeddings that were not learnt, by batches."""
    return (_predicted(density.score(Embedding(part))) for part in embeddings.split(reduced.BATCH))


def left_out(density: Gaussian, learnt: Tensor) -> Iterator[Prediction]:
    """Yield the predictions for learnt embeddings as if they had not been learnt, by batches."""
    leave, numbers = density.leave_one_out(), torch.arange(len(learnt)).split(reduced.BATCH)
    return (_predicted(leave(Embedding(learnt[chosen]), chosen.tolist())) for chosen in numbers)


def of_images(predictions: Iterator[Prediction]) -> np.ndarray:
    """Return the image scores, the maxima of the smoothed maps."""
    return np.concatenate([prediction.image_scores.double().numpy() for prediction in predictions])


def _predicted(scores: Scores) -> Prediction:
    return MAP.predict([scores], (reduced.SIDE, reduced.SIDE))
