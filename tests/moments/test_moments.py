import numpy as np
import pytest
import torch
import torch.distributed
import torch.multiprocessing

from padimkit.errors import BadModel, BadShape
from padimkit.moments.moments import Moments

CPU = torch.device("cpu")


def features(generator, count, positions=5, dimensions=7):
    """Vectors whose mean is ten times their spread."""
    return 10 + torch.randn(count, positions, dimensions, generator=generator, dtype=torch.float64)


def moments_of(samples, dtype=torch.float64, batch=8):
    moments = Moments.empty(*samples.shape[1:], dtype=dtype, device=CPU)
    for part in samples.split(batch):
        moments.update(part)
    return moments


def numpy_covariance(samples):
    return np.stack([np.cov(samples[:, p].numpy(), rowvar=False) for p in range(samples.shape[1])])


def relative(found, expected):
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("batch", [1, 3, 50])
def test_covariance_agrees_with_numpy(generator, dtype, batch):
    samples = features(generator, 50)
    moments = moments_of(samples, dtype, batch)
    assert moments.count == 50
    assert relative(moments.covariance(), numpy_covariance(samples)) < 1e-5
    assert relative(moments.mean, samples.mean(0)) < 1e-6


def test_many_shared_samples_keep_their_precision_in_float32(generator):
    samples = features(generator, 40_000, positions=1)
    moments = moments_of(samples, torch.float32, batch=4_000)
    assert relative(moments.covariance(), numpy_covariance(samples)) < 1e-5


def test_constant_channels_have_no_variance(generator):
    samples = features(generator, 30)
    samples[:, :, 2] = 1234.5
    covariance = moments_of(samples, torch.float32).covariance()
    assert covariance[:, 2].abs().max() < 1e-6


def test_merging_in_any_order_agrees(generator):
    samples = features(generator, 60)
    whole = moments_of(samples)
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        parts = [moments_of(part) for part in samples.split([7, 13, 40])]
        merged = Moments.empty(5, 7, dtype=torch.float64, device=CPU)
        for index in order:
            merged.merge(parts[index])
        assert merged.count == 60
        assert relative(merged.covariance(), whole.covariance()) < 1e-6
        assert relative(merged.mean, whole.mean) < 1e-6


def test_merging_leaves_the_other_as_it_is(generator):
    one, other = moments_of(features(generator, 9)), moments_of(features(generator, 4))
    before = other.mean.clone(), other.scatter.clone()
    one.merge(other)
    one.update(features(generator, 3))
    assert other.count == 4
    assert torch.equal(other.mean, before[0])
    assert torch.equal(other.scatter, before[1])


def test_restored_moments_go_on_exactly(generator):
    moments = moments_of(features(generator, 9), torch.float32)
    restored = Moments.from_state_dict(moments.state_dict())
    more = features(generator, 5)
    moments.update(more)
    restored.update(more)
    lower = torch.tril_indices(7, 7)
    assert restored.count == moments.count
    assert torch.equal(restored.mean, moments.mean)
    assert torch.equal(restored.scatter[:, lower[0], lower[1]], moments.scatter[:, lower[0], lower[1]])


def test_a_scatter_that_does_not_fit_its_mean_is_refused(generator):
    state = moments_of(features(generator, 4)).state_dict() | {"mean": torch.zeros(1, 10**6)}
    with pytest.raises(BadModel, match="does not fit a mean of 1 x 1000000"):
        Moments.from_state_dict(state)


def test_the_samples_are_not_modified(generator):
    samples = features(generator, 6)
    before = samples.clone()
    moments_of(samples)
    assert torch.equal(samples, before)


def test_other_dimensions_are_refused(generator):
    with pytest.raises(BadShape, match="7 dimensions at 5 positions, got 3 at 5"):
        moments_of(features(generator, 4)).update(features(generator, 4, dimensions=3))


def _reduce(rank, folder, parts):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=len(parts)
    )
    moments = moments_of(parts[rank])
    moments.all_reduce()
    torch.save(moments.state_dict(), f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_all_reduce_gives_each_process_the_moments_of_all_data(tmp_path):
    """Of one draw: merging has the same sums, without two processes to start, and is tried with many."""
    samples = features(torch.Generator().manual_seed(0), 20)
    parts = samples.split([6, 14])
    torch.multiprocessing.spawn(_reduce, (str(tmp_path), parts), nprocs=2)
    for rank in range(2):
        reduced = Moments.from_state_dict(torch.load(tmp_path / f"{rank}.pt", weights_only=True))
        assert reduced.count == 20
        assert relative(reduced.covariance(), numpy_covariance(samples)) < 1e-10
