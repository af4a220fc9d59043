import numpy as np
import pytest
import torch
from sklearn.covariance import LedoitWolf

from padimkit.moments.ledoit_wolf import ShrunkMoments


def samples(generator, count, dimensions):
    spread = torch.rand(dimensions, generator=generator, dtype=torch.float64) * 3
    normal = torch.randn(count, 3, dimensions, generator=generator, dtype=torch.float64)
    return normal.square() * spread + 10  # skewed, so that the third moments count


def empty(dimensions, positions=3):
    return ShrunkMoments.empty(positions, dimensions, dtype=torch.float64, device=torch.device("cpu"))


def shrunk(parts):
    moments = empty(parts[0].shape[2], parts[0].shape[1])
    for part in parts:
        moments.update(part)
    return moments


def reference(data):
    return np.stack([LedoitWolf().fit(data[:, p].numpy()).covariance_ for p in range(data.shape[1])])


@pytest.mark.parametrize(("count", "dimensions"), [(10, 25), (25, 25), (200, 12)])
def test_covariance_is_that_of_scikit_learn(generator, count, dimensions):
    data = samples(generator, count, dimensions)
    found = shrunk(data.split(7)).covariance()
    np.testing.assert_allclose(found, reference(data), rtol=1e-6, atol=1e-9)


def test_merging_in_any_order_agrees_with_scikit_learn(generator):
    data = samples(generator, 40, 9)
    for order in ([0, 1, 2], [2, 1, 0]):
        parts = [shrunk([part]) for part in data.split([5, 15, 20])]
        merged = empty(9)
        for index in order:
            merged.merge(parts[index])
        assert merged.count == 40
        np.testing.assert_allclose(merged.covariance(), reference(data), rtol=1e-6, atol=1e-9)


def test_restored_moments_give_the_same_covariance(generator):
    moments = shrunk([samples(generator, 12, 6)])
    restored = ShrunkMoments.from_state_dict(moments.state_dict())
    np.testing.assert_allclose(restored.covariance(), moments.covariance(), rtol=1e-12)


def test_equal_samples_are_not_divided_by_zero():
    covariance = shrunk([torch.ones(5, 2, 3, dtype=torch.float64)]).covariance()
    assert torch.equal(covariance, torch.zeros(2, 3, 3, dtype=torch.float64))


@pytest.mark.parametrize(("dimensions", "batch"), [(6, 12), (9, 8), (25, 7)])
def test_restored_moments_have_the_same_covariance_to_the_last_bit(generator, dimensions, batch):
    """A product of a matrix with itself is not symmetric to the last bit at most of these sizes."""
    moments = ShrunkMoments.empty(12, dimensions, dtype=torch.float32, device=torch.device("cpu"))
    for part in (5 + torch.randn(30, 12, dimensions, generator=generator)).split(batch):
        moments.update(part)
    restored = ShrunkMoments.from_state_dict(moments.state_dict())
    assert torch.equal(restored.covariance(), moments.covariance())
