"""Scores of learnt images as if they had not been learnt, beside fits without them in NumPy and float64."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from padimkit.densities.gaussian import Gaussian
from padimkit.errors import BadData, NotFitted, SingularCovariance
from padimkit.memory import OnDisk
from padimkit.values import Embedding


def patches(generator, count, channels=6, height=2, width=3):
    """Correlated channels of unequal variance, far from 0."""
    mixing = torch.randn(channels, channels, generator=generator)
    return 5 + torch.einsum(
        "kc,bchw->bkhw", mixing, torch.randn(count, channels, height, width, generator=generator)
    )


def fitted(data, **arguments):
    gaussian = Gaussian(**arguments)
    gaussian.fit([Embedding(part) for part in data.split(4)])
    return gaussian


def left_out(gaussian, data, batch=3):
    score = gaussian.leave_one_out()
    numbers = range(len(data))
    parts = [
        score(Embedding(data[start : start + batch]), numbers[start : start + batch]).patches
        for start in range(0, len(data), batch)
    ]
    return torch.cat(parts)


def refitted(data, covariance_of, *, shared=False):
    """The distance of each image from a Gaussian of all others, one inverse for each."""
    data = data.double().numpy()
    scores = np.empty((len(data), *data.shape[2:]))
    for image in range(len(data)):
        others = np.delete(data, image, axis=0)
        for y, x in np.ndindex(data.shape[2:]):
            vectors = (
                others.transpose(0, 2, 3, 1).reshape(-1, data.shape[1]) if shared else others[:, :, y, x]
            )
            inverse = np.linalg.inv(covariance_of(vectors))
            scores[image, y, x] = mahalanobis(data[image, :, y, x], vectors.mean(0), inverse)
    return scores


def ridge(vectors, eps=0.01):
    return np.cov(vectors, rowvar=False) + eps * np.eye(vectors.shape[1])


def shrunk(vectors):
    return LedoitWolf().fit(vectors).covariance_ + 0.01 * np.eye(vectors.shape[1])


COUNTS = [3, 4, 6, 7, 8, 20, 90]  # below, at and above the 6 channels, and more than wait for a product


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_scores_are_those_of_a_fit_without_the_image(generator, count, precision):
    data = patches(generator, count)
    found = left_out(fitted(data, precision=precision), data)
    tolerance = 2e-3 if precision == "float32" else 1e-6
    np.testing.assert_allclose(found, refitted(data, ridge), rtol=tolerance)


@pytest.mark.parametrize("eps", [1e-6, 0.3, 100.0])
@pytest.mark.parametrize("count", [4, 12])
def test_nothing_is_left_of_eps_however_large_or_small(generator, count, eps):
    data = patches(generator, count)
    found = left_out(fitted(data, eps=eps, precision="float64"), data)
    np.testing.assert_allclose(found, refitted(data, lambda vectors: ridge(vectors, eps)), rtol=1e-4)


@pytest.mark.parametrize("count", [5, 20, 40])
def test_half_storage_is_off_by_the_rounding_of_samples_only(generator, count):
    data = patches(generator, count, channels=8)
    found = left_out(fitted(data, storage="half"), data)
    np.testing.assert_allclose(found, refitted(data, ridge), rtol=0.02)


@pytest.mark.parametrize("count", [3, 5, 30])
def test_ledoit_wolf_shrinks_as_without_the_image(generator, count):
    data = patches(generator, count)
    found = left_out(fitted(data, covariance="ledoit_wolf", precision="float64"), data)
    np.testing.assert_allclose(found, refitted(data, shrunk), rtol=1e-5)


@pytest.mark.parametrize(("covariance", "reference"), [("empirical", ridge), ("ledoit_wolf", shrunk)])
@pytest.mark.parametrize("count", [2, 12])
def test_a_shared_gaussian_leaves_out_all_patches_of_the_image(generator, covariance, reference, count):
    data = patches(generator, count)
    gaussian = fitted(data, covariance=covariance, scope="shared", precision="float64")
    expected = refitted(data, reference, shared=True)
    np.testing.assert_allclose(left_out(gaussian, data), expected, rtol=1e-5)


@pytest.mark.parametrize("count", [4, 30])
def test_the_order_is_that_in_which_images_were_learnt(generator, count):
    data = patches(generator, count)
    gaussian, other = fitted(data[:2]), fitted(data[2:])
    gaussian.merge(other)
    np.testing.assert_allclose(left_out(gaussian, data), refitted(data, ridge), rtol=2e-3)


@pytest.mark.parametrize("count", [5, 30])
def test_a_restored_gaussian_leaves_out_as_well(generator, count):
    data = patches(generator, count)
    gaussian, restored = fitted(data), Gaussian()
    restored.load_state_dict(gaussian.state_dict())
    torch.testing.assert_close(left_out(restored, data), left_out(gaussian, data))


@pytest.mark.parametrize("storage", ["full", "half"])
def test_a_factor_over_the_budget_is_kept_in_a_file(generator, monkeypatch, storage):
    data = patches(generator, 30, channels=8)
    gaussian = fitted(data, storage=storage)
    expected = left_out(gaussian, data)
    spooled = []
    empty = OnDisk.empty
    monkeypatch.setattr(OnDisk, "empty", lambda *arguments: spooled.append(1) or empty(*arguments))
    needed = gaussian.forecast(images=30, channels=8, positions=6)
    gaussian.memory_budget = (needed.total - needed.waiting) / 1e9 if storage == "half" else 1e-9
    torch.testing.assert_close(left_out(gaussian, data), expected)
    assert spooled


def test_scores_afterwards_are_the_same_bit_for_bit(generator):
    data = patches(generator, 30)
    gaussian = fitted(data)
    before = gaussian.score(Embedding(data[:3])).patches
    left_out(gaussian, data)
    assert torch.equal(gaussian.score(Embedding(data[:3])).patches, before)


@pytest.mark.parametrize("count", [5, 30])
def test_images_that_were_not_learnt_are_refused(generator, count):
    data, others = patches(generator, count), 50 + patches(generator, count)
    with pytest.raises(BadData, match="not the images that the Gaussians have learnt"):
        left_out(fitted(data), others)


def test_too_few_images_eps_of_0_and_use_before_fit_are_refused(generator):
    with pytest.raises(BadData, match="needs at least 3, found 2"):
        fitted(patches(generator, 2)).leave_one_out()
    with pytest.raises(SingularCovariance, match="eps = 0"):
        fitted(patches(generator, 4), eps=0.0).leave_one_out()
    with pytest.raises(NotFitted, match="leave_one_out was called before fit"):
        Gaussian().leave_one_out()
    data = patches(generator, 1)
    with pytest.raises(BadData, match="has 0 samples; it needs 2"):
        left_out(fitted(data, scope="shared"), data)


@pytest.mark.parametrize("count", [5, 12])  # fewer than channels, and more
def test_numbers_beyond_the_images_that_were_learnt_are_refused(generator, count):
    data = patches(generator, count)
    score = fitted(data).leave_one_out()
    with pytest.raises(BadData, match="not"):
        score(Embedding(data[:1] + 1), [count])
