"""Distances that can be traced beside those of NumPy in double precision."""

import numpy as np
import pytest
import torch

from padimkit import Gaussian
from padimkit.values import Embedding, Pyramid


def _distances(patches, unseen, eps):
    """Return the Mahalanobis distances of unseen patches "b c h w", position by position."""
    found = np.empty((len(unseen), *unseen.shape[2:]))
    for row, column in np.ndindex(*unseen.shape[2:]):
        known = patches[:, :, row, column]
        covariance = np.cov(known, rowvar=False) + eps * np.eye(known.shape[1])
        off = unseen[:, :, row, column] - known.mean(0)
        found[:, row, column] = np.sqrt(np.einsum("bc,bc->b", off, np.linalg.solve(covariance, off.T).T))
    return found


@pytest.mark.parametrize("images", [4, 20, 60])
def test_distances_are_those_of_the_covariance(images, random):
    patches, unseen = (random.normal(size=(count, 40, 2, 3)) * 3 for count in (images, 5))
    gaussian = Gaussian(eps=0.01)
    gaussian.fit([Embedding(torch.from_numpy(patches).float())])
    found = gaussian.traceable()(Pyramid((torch.from_numpy(unseen).float(),)))
    np.testing.assert_allclose(found.patches, _distances(patches, unseen, 0.01), rtol=2e-5)


def test_nothing_cancels_along_directions_of_large_variance(random):
    patches = random.normal(size=(4, 40, 1, 2)) * 1000
    unseen = patches[:2] + random.normal(size=(2, 40, 1, 2)) * 0.01
    gaussian = Gaussian(eps=0.01)
    gaussian.fit([Embedding(torch.from_numpy(patches).float())])
    found = gaussian.traceable()(Pyramid((torch.from_numpy(unseen).float(),)))
    np.testing.assert_allclose(found.patches, _distances(patches, unseen, 0.01), rtol=1e-2)


def test_half_storage_gives_distances_in_full_precision(random):
    patches, unseen = (random.normal(size=(count, 8, 2, 3)).astype(np.float16) for count in (30, 5))
    gaussian = Gaussian(storage="half")
    gaussian.fit([Embedding(torch.from_numpy(patches).float())])
    found = gaussian.traceable()(Pyramid((torch.from_numpy(unseen).float(),)))
    expected = _distances(patches.astype(float), unseen.astype(float), 0.01)
    np.testing.assert_allclose(found.patches, expected, rtol=1e-3)
