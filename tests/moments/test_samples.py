import numpy as np
import pytest
import torch

from padimkit.errors import BadFeatures, BadShape
from padimkit.memory import IN_MEMORY, ON_DISK
from padimkit.moments.samples import Samples

STORAGES = {"full": (torch.float32, 1e-5), "double": (torch.float64, 1e-12), "half": (torch.float16, 2e-3)}


def samples_of(vectors, kind="full", batch=4, allocator=IN_MEMORY):
    storage, _ = STORAGES[kind]
    precision = torch.float64 if kind == "double" else torch.float32
    first, *others = vectors.split(batch)
    samples = Samples.of(first, precision=precision, storage=storage, allocator=allocator)
    for other in others:
        samples.update(other)
    return samples


@pytest.mark.parametrize("kind", STORAGES)
@pytest.mark.parametrize("allocator", [IN_MEMORY, ON_DISK])
def test_mean_deviations_and_covariance_are_those_of_numpy(generator, kind, allocator):
    vectors = 30 + torch.randn(11, 5, 3, generator=generator)
    samples, tolerance = samples_of(vectors, kind, allocator=allocator), STORAGES[kind][1]
    plain = vectors.double().numpy()
    mean, deviations = samples.at(torch.tensor([4, 1]))
    assert mean.dtype == deviations.dtype == torch.float64
    np.testing.assert_allclose(mean, plain.mean(0)[[4, 1]], rtol=tolerance)
    np.testing.assert_allclose(
        deviations, (plain - plain.mean(0))[:, [4, 1]].swapaxes(0, 1), atol=3 * tolerance
    )
    mean, covariance = samples.gaussian(slice(1, 3))
    np.testing.assert_allclose(mean, plain.mean(0)[1:3], rtol=tolerance)
    expected = [np.cov(plain[:, p], rowvar=False) for p in (1, 2)]
    np.testing.assert_allclose(covariance, expected, atol=10 * tolerance)
    np.testing.assert_allclose(samples.vectors(slice(0, 5)), plain.swapaxes(0, 1), atol=30 * tolerance)


def test_batch_size_makes_no_difference_at_all(generator):
    vectors = torch.randn(9, 5, 3, generator=generator)
    one, many = samples_of(vectors, "half", 1).state_dict(), samples_of(vectors, "half", 9).state_dict()
    assert all(torch.equal(one[key], many[key]) for key in one)


def test_moving_to_a_file_changes_no_number(generator):
    samples = samples_of(torch.randn(9, 5, 3, generator=generator))
    before = samples.state_dict()
    samples.move(ON_DISK)
    samples.update(torch.zeros(1, 5, 3))
    after = samples.state_dict()
    assert torch.equal(after["samples"][:9], before["samples"])
    assert samples.count == 10


def test_a_copy_learns_on_its_own(generator):
    samples = samples_of(torch.randn(9, 5, 3, generator=generator))
    copy = samples.copy()
    copy.update(torch.zeros(1, 5, 3))
    assert (copy.count, samples.count) == (10, 9)


def test_other_shapes_are_refused():
    with pytest.raises(BadShape, match="3 dimensions at 5 positions, got 2 at 5"):
        samples_of(torch.zeros(2, 5, 3)).update(torch.zeros(2, 5, 2))


def test_what_half_precision_cannot_hold_is_refused():
    samples = samples_of(torch.zeros(2, 5, 3), "half")
    with pytest.raises(BadFeatures, match='more than half precision can hold.*storage "full"'):
        samples.update(torch.full((1, 5, 3), 70000.0))
    assert samples.count == 2
