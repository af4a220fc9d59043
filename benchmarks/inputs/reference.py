"""Mahalanobis distances computed plainly in float64, at a few positions, to judge less precise ones."""

import numpy as np
from torch import Tensor

from benchmarks.inputs.embeddings import TESTED, EmbeddingFile


def deviations(file: EmbeddingFile, scores: Tensor, *, eps: float) -> dict[str, float]:
    """Return the relative deviations of scores "b h w" of the tested embeddings from the plain ones.

    Args:
        file: The embeddings that were fitted on and scored.
        scores: Distances, with square root.
        eps: The number that the program adds to the diagonal of the covariance.
    """
    expected = distances(file.probed("train", file.images), file.probed("test", TESTED), eps)
    found = scores.reshape(TESTED, -1).double().numpy()[:, file.probes]
    relative = np.abs(found - expected) / expected
    return {"largest_deviation": float(relative.max()), "median_deviation": float(np.median(relative))}


def distances(train: np.ndarray, test: np.ndarray, eps: float) -> np.ndarray:
    """Return distances of vectors "b k d" from the Gaussians of vectors "n k d", by the definition."""
    columns = []
    for position in range(train.shape[1]):
        samples = train[:, position].astype(np.float64)
        covariance = np.cov(samples, rowvar=False) + eps * np.eye(samples.shape[1])
        offsets = test[:, position] - samples.mean(0)
        columns.append(np.sqrt((offsets * np.linalg.solve(covariance, offsets.T).T).sum(1)))
    return np.stack(columns, axis=1)
