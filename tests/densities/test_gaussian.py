import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from padimkit.densities import _whitening
from padimkit.densities._factor import FullFactor
from padimkit.densities._whitening import (
    DenseWhitening,
    LowRankWhitening,
    quickest_whitening,
    smallest_whitening,
)
from padimkit.densities.gaussian import Gaussian
from padimkit.errors import (
    BadArgument,
    BadData,
    BadShape,
    CannotMerge,
    NotFitted,
    OverBudget,
    SingularCovariance,
)
from padimkit.memory import IN_MEMORY, OnDisk
from padimkit.moments.samples import Samples
from padimkit.values import Embedding, Stream


def patches(generator, count, channels=6, height=3, width=4):
    return 5 + torch.randn(count, channels, height, width, generator=generator)


def stream(data, batch=4):
    return [Embedding(part) for part in data.split(batch)]


def fitted(data, **arguments):
    gaussian = Gaussian(**arguments)
    gaussian.fit(stream(data))
    return gaussian


def plain_distances(train, test, covariance_of):
    """SciPy's Mahalanobis distance, position by position, in float64."""
    train, test = train.double().numpy(), test.double().numpy()
    scores = np.empty((len(test), *train.shape[2:]))
    for y, x in np.ndindex(train.shape[2:]):
        inverse = np.linalg.inv(covariance_of(train[:, :, y, x]))
        mean = train[:, :, y, x].mean(0)
        scores[:, y, x] = [mahalanobis(vector, mean, inverse) for vector in test[:, :, y, x]]
    return scores


def ridge(vectors):
    return np.cov(vectors, rowvar=False) + 0.01 * np.eye(vectors.shape[1])


@pytest.mark.parametrize("count", [4, 6, 40])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_score_is_the_mahalanobis_distance_at_each_position(generator, count, precision):
    train, test = patches(generator, count), patches(generator, 5)
    scores = fitted(train, precision=precision).score(Embedding(test))
    np.testing.assert_allclose(scores.patches, plain_distances(train, test, ridge), rtol=2e-4)
    assert scores.images is None


def test_ledoit_wolf_is_that_of_scikit_learn(generator):
    train, test = patches(generator, 20), patches(generator, 5)
    found = fitted(train, eps=0.0, covariance="ledoit_wolf", precision="float64").score(Embedding(test))
    expected = plain_distances(train, test, lambda vectors: LedoitWolf().fit(vectors).covariance_)
    np.testing.assert_allclose(found.patches, expected, rtol=1e-5)


def test_shared_scope_pools_all_positions_and_takes_any_grid(generator):
    train, test = patches(generator, 9), patches(generator, 5, height=2, width=7)
    pooled = train.permute(0, 2, 3, 1).reshape(-1, 6, 1, 1)
    expected = plain_distances(pooled, test.permute(0, 2, 3, 1).reshape(-1, 6, 1, 1), ridge)
    found = fitted(train, scope="shared").score(Embedding(test))
    np.testing.assert_allclose(found.patches, expected.reshape(5, 2, 7), rtol=2e-4)


def test_update_and_merge_equal_one_fit(generator):
    data, test = patches(generator, 20), Embedding(patches(generator, 3))
    whole = fitted(data).score(test).patches
    updated = fitted(data[:9])
    updated.score(test)  # what is derived from the moments must not outlive them
    updated.update(stream(data[9:]))
    merged = fitted(data[:13])
    merged.merge(fitted(data[13:]))
    torch.testing.assert_close(updated.score(test).patches, whole, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(merged.score(test).patches, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("covariance", ["empirical", "ledoit_wolf"])
@pytest.mark.parametrize("count", [4, 12])
def test_a_restored_gaussian_scores_the_same_bit_for_bit(generator, covariance, count):
    gaussian, test = (
        fitted(patches(generator, count), covariance=covariance),
        Embedding(patches(generator, 3)),
    )
    restored = Gaussian(covariance=covariance)
    restored.load_state_dict(gaussian.state_dict())
    assert torch.equal(restored.score(test).patches, gaussian.score(test).patches)


def test_what_is_kept_does_not_grow_with_the_number_of_images(generator):
    def size(count):
        return sum(tensor.numel() for tensor in fitted(patches(generator, count)).state_dict().values())

    assert size(7) == size(50)
    assert size(3) < size(7)  # fewer images than channels: the samples themselves take less room


@pytest.mark.parametrize("count", [5, 24, 60])
@pytest.mark.parametrize("covariance", ["empirical", "ledoit_wolf"])
def test_constant_channels_and_large_means_do_no_harm(generator, count, covariance):
    def data(images):
        data = patches(generator, images, channels=24) + 300
        data[:, 3] = 7.0
        return data

    train, test = data(count), data(4)

    def reference(vectors):
        plain = (
            np.cov(vectors, rowvar=False)
            if covariance == "empirical"
            else LedoitWolf().fit(vectors).covariance_
        )
        return plain + 0.01 * np.eye(24)

    found = fitted(train, covariance=covariance).score(Embedding(test))
    np.testing.assert_allclose(found.patches, plain_distances(train, test, reference), rtol=3e-3)


@pytest.mark.parametrize("scale", [1.0, 30.0, 1000.0])
@pytest.mark.parametrize("count", [30, 40, 90])
def test_a_few_strong_directions_do_not_drown_the_others(generator, count, scale):
    strong = scale * torch.randn(5, 40, generator=generator)

    def data(images):
        weights = torch.randn(images, 5, 2, 2, generator=generator)
        noise = 0.05 * torch.randn(images, 40, 2, 2, generator=generator)
        return torch.einsum("bkhw,kc->bchw", weights, strong) + noise

    train, test = data(count), data(4)
    # Scatter matrices of float32 resolve variances down to about 1e-6 of the largest.
    precision = "float64" if count > 40 and scale > 1 else "float32"
    found = fitted(train, precision=precision).score(Embedding(test)).patches
    np.testing.assert_allclose(found, plain_distances(train, test, ridge), rtol=0.01 if scale > 100 else 1e-3)


def test_a_gaussian_merged_with_itself_counts_its_images_twice(generator):
    data, test = patches(generator, 3), Embedding(patches(generator, 3))
    gaussian = fitted(data)
    gaussian.merge(gaussian)
    expected = fitted(torch.cat([data, data])).score(test).patches
    torch.testing.assert_close(gaussian.score(test).patches, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("split", [(2, 3), (2, 18), (18, 2), (3, 4), (10, 10)])
def test_any_mix_of_few_and_many_images_merges_exactly(generator, split):
    data, test = patches(generator, sum(split)), Embedding(patches(generator, 3))
    merged, other = (fitted(part) for part in data.split(split))
    before = other.score(test).patches
    merged.merge(other)
    torch.testing.assert_close(
        merged.score(test).patches, fitted(data).score(test).patches, rtol=1e-4, atol=1e-4
    )
    assert torch.equal(other.score(test).patches, before)


def test_a_singular_covariance_is_refused(generator):
    with pytest.raises(SingularCovariance, match=r'eps = 0\. Use a larger "eps"'):
        fitted(patches(generator, 3), eps=0.0).score(Embedding(patches(generator, 1)))


def test_one_image_is_refused(generator):
    with pytest.raises(BadData, match="at least 2 samples per position, found 1"):
        fitted(patches(generator, 1)).score(Embedding(patches(generator, 1)))


def test_an_empty_stream_is_refused():
    with pytest.raises(BadData, match="no embeddings"):
        Gaussian().fit([])


def test_another_grid_is_refused(generator):
    with pytest.raises(BadShape, match="fitted on 3 x 4 positions, got 4 x 4"):
        fitted(patches(generator, 4)).score(Embedding(patches(generator, 1, height=4)))


def test_other_channels_are_refused(generator):
    with pytest.raises(BadShape, match="6 channels, got 5"):
        fitted(patches(generator, 4)).score(Embedding(patches(generator, 1, channels=5)))


def test_negative_eps_is_refused():
    with pytest.raises(BadArgument, match='"eps" of at least 0, got -1'):
        Gaussian(eps=-1.0)


def test_merging_other_arguments_is_refused(generator):
    data = patches(generator, 4)
    with pytest.raises(CannotMerge, match="same arguments"):
        fitted(data).merge(fitted(data, eps=0.1))


@pytest.mark.parametrize("use", [Gaussian.state_dict, lambda g: g.score(Embedding(torch.zeros(1, 2, 3, 3)))])
def test_use_before_fit_is_refused(use):
    with pytest.raises(NotFitted, match="before fit"):
        use(Gaussian())


@pytest.mark.parametrize("count", [10, 24, 25, 60, 200])
@pytest.mark.parametrize("large_mean", [False, True])
def test_half_storage_changes_scores_by_less_than_a_few_percent(generator, count, large_mean):
    def data(images):
        data = 0.15 * patches(generator, images, channels=24) + 300 * large_mean
        data[:, 3] = 7.0
        return data

    train, test = data(count), data(4)
    expected = plain_distances(train, test, lambda vectors: np.cov(vectors, rowvar=False) + 0.01 * np.eye(24))
    found = fitted(train, storage="half").score(Embedding(test)).patches.numpy()
    np.testing.assert_allclose(found, expected, rtol=0.04)
    assert np.median(np.abs(found - expected) / expected) < 0.005


def test_half_storage_takes_half_the_room(generator):
    data = patches(generator, 12, channels=24)
    full, half = (fitted(data, storage=storage).state_dict()["samples"] for storage in ("full", "half"))
    assert (full.dtype, half.dtype) == (torch.float32, torch.float16)
    assert full.shape == half.shape == (12, 12, 24)


@pytest.mark.parametrize("storage", ["full", "half"])
@pytest.mark.parametrize("count", [12, 40])
def test_half_storage_restores_updates_and_merges(generator, storage, count):
    data, test = (
        0.2 * patches(generator, count, channels=24),
        Embedding(0.2 * patches(generator, 3, channels=24)),
    )
    whole = fitted(data, storage=storage)
    restored = Gaussian(storage=storage)
    restored.load_state_dict(whole.state_dict())
    assert torch.equal(restored.score(test).patches, whole.score(test).patches)
    updated = fitted(data[:5], storage=storage)
    updated.update(stream(data[5:]))
    merged = fitted(data[:7], storage=storage)
    merged.merge(fitted(data[7:], storage=storage))
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if storage == "full" else {"rtol": 0.02, "atol": 0.02}
    for other in (updated, merged):
        torch.testing.assert_close(other.score(test).patches, whole.score(test).patches, **tolerance)


@pytest.mark.parametrize(
    ("spread", "storage"), [(0.1, "full"), (1.0, "full"), (30.0, "full"), (0.1, "half"), (1.0, "half")]
)
def test_training_images_score_as_exactly_as_others(generator, storage, spread):
    """Their distance is a small share of their length, and smaller the larger the variance is beside eps."""
    train = spread * patches(generator, 12, channels=30)
    found = fitted(train, storage=storage).score(Embedding(train)).patches
    tolerance = 1e-3 if storage == "full" else 0.03
    np.testing.assert_allclose(found, plain_distances(train, train, ridge), rtol=tolerance)


@pytest.mark.parametrize("portion", [1, 2**22])
def test_where_a_difference_would_cancel_distances_are_found_anew(generator, monkeypatch, portion):
    """At one position of twelve, so that the low-rank form is still the one to use."""
    monkeypatch.setattr(_whitening, "CACHE", portion)
    strong = 3000 * torch.randn(30, generator=generator)

    def data(images):
        data = 0.2 * torch.randn(images, 30, 3, 4, generator=generator)
        data[:, :, 2, 1] += torch.randn(images, 1, generator=generator) * strong
        return data

    train, test = data(12), data(20)
    gaussian = fitted(train)
    found = torch.cat([gaussian.score(Embedding(image[None])).patches for image in test])
    assert isinstance(gaussian._whitening, LowRankWhitening)
    np.testing.assert_allclose(found, plain_distances(train, test, ridge), rtol=1e-3)


@pytest.mark.parametrize("half", [False, True])
def test_the_form_is_the_smaller_one_and_more_precise_or_dense_where_variance_is_far_above_eps(
    generator, half
):
    def form(count, spread, choose):
        vectors = spread * torch.randn(count, 12, 60, generator=generator)
        types = {"precision": torch.float32, "storage": torch.float32}
        form = choose(Samples.of(vectors, **types, allocator=IN_MEMORY), eps=0.01, half=half)
        return type(form), form.mean.dtype

    few, many, large, larger, largest = (15, 0.2), (58, 0.2), (8, 30.0), (25, 30.0), (8, 1e5)
    low_rank, dense = (LowRankWhitening, torch.float32), (DenseWhitening, torch.float32)
    assert form(*few, quickest_whitening) == form(*few, smallest_whitening) == low_rank
    assert form(*many, quickest_whitening) == form(*many, smallest_whitening) == dense
    assert form(*large, quickest_whitening) == (LowRankWhitening, torch.float64)
    assert form(*larger, quickest_whitening) == form(*largest, quickest_whitening) == dense
    assert form(*large, smallest_whitening) == form(*larger, smallest_whitening) == low_rank


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_few_images_of_large_variance_are_as_precise_as_any(generator, precision):
    """In float32 the low-rank form would lose the distances of learnt images."""
    train, test = 300 * patches(generator, 9, channels=60), 300 * patches(generator, 4, channels=60)
    gaussian = fitted(train, precision=precision)
    for images in (train, test):
        found = gaussian.score(Embedding(images)).patches
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found, plain_distances(train, images, ridge), rtol=2e-6)
    assert isinstance(gaussian._whitening, LowRankWhitening)


def spooled(data, **arguments):
    """Fitted with a budget for all but samples and sums, which then have to be in a file."""
    expected = Gaussian(**arguments).forecast(images=len(data) + 3, channels=data.shape[1], positions=12)
    return fitted(data, memory_budget=(expected.factor + expected.workspace + 1000) / 1e9, **arguments)


@pytest.mark.parametrize("covariance", ["empirical", "ledoit_wolf"])
@pytest.mark.parametrize("count", [8, 40, 200])
def test_what_is_over_budget_is_kept_in_files_without_any_difference(
    generator, monkeypatch, covariance, count
):
    spools = []
    made = OnDisk.empty
    monkeypatch.setattr(OnDisk, "empty", lambda *arguments: spools.append(arguments) or made(*arguments))
    data, test = patches(generator, count, channels=9), Embedding(patches(generator, 3, channels=9))
    expected, found = fitted(data, covariance=covariance), spooled(data, covariance=covariance)
    assert spools
    assert torch.equal(found.score(test).patches, expected.score(test).patches)
    for gaussian in (expected, found):
        gaussian.update(stream(data[:3]))
    assert torch.equal(found.score(test).patches, expected.score(test).patches)


def test_a_budget_that_cannot_be_kept_is_refused_before_the_second_batch(generator):
    data = patches(generator, 20, channels=9)
    read = []
    embeddings = Stream(lambda: (read.append(part) or part for part in stream(data)), length=5)
    enough_for_four = Gaussian().forecast(images=4, channels=9, positions=12)
    budget = (enough_for_four.factor + enough_for_four.workspace + 500) / 1e9
    with pytest.raises(
        OverBudget,
        match=r'need 0\.101 GB.*that scoring reads.*"memory_budget" is 0\.101 GB. Use at least 0\.101 GB',
    ):
        Gaussian(memory_budget=budget).fit(embeddings)
    assert len(read) == 1


def test_a_budget_is_no_matter_where_all_fits(generator, monkeypatch):
    monkeypatch.setattr(OnDisk, "empty", None)
    fitted(patches(generator, 20), memory_budget=1.0).score(Embedding(patches(generator, 1)))


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(BadArgument, match='"memory_budget" above 0 GB, got 0'):
        Gaussian(memory_budget=0.0)


@pytest.mark.parametrize("storage", ["full", "half"])
@pytest.mark.parametrize("count", [5, 9, 10, 80])
def test_the_forecast_is_what_is_kept(generator, storage, count):
    data = 0.2 * patches(generator, count, channels=9)
    gaussian = fitted(data, storage=storage)
    expected = gaussian.forecast(images=count, channels=9, positions=12)
    gaussian.score(Embedding(data[:1]))
    state = gaussian.state_dict()
    unpacked = 12 * 9 * (9 - 1) // 2 * 4 if "scatter" in state else 0  # the upper triangle is not stored
    learnt = sum(tensor.nbytes for key, tensor in state.items() if key not in ("grid", "count")) + unpacked
    assert learnt == expected.learnt


@pytest.mark.parametrize("count", [8, 45])
def test_a_copy_scores_the_same_when_the_original_learns_more(generator, count):
    """Also where it looks up the samples themselves, as for training images of large variance."""
    data = 1.2 * patches(generator, count, channels=40)
    gaussian = fitted(data, memory_budget=1.0)
    before = gaussian.score(Embedding(data)).patches
    other = copy.deepcopy(gaussian)
    gaussian.update(stream(data.flip(0) + patches(generator, count, channels=40)))
    gaussian.score(Embedding(data))
    assert torch.equal(other.score(Embedding(data)).patches, before)


@pytest.mark.parametrize("covariance", ["empirical", "ledoit_wolf"])
@pytest.mark.parametrize("count", [5, 30])
def test_a_state_stays_as_it_is_when_more_is_learnt(generator, covariance, count):
    data, test = patches(generator, count), Embedding(patches(generator, 3))
    gaussian = fitted(data, covariance=covariance)
    before, state = gaussian.score(test).patches, gaussian.state_dict()
    gaussian.update(stream(patches(generator, 70) + 5))
    restored = Gaussian(covariance=covariance)
    restored.load_state_dict(state)
    assert torch.equal(restored.score(test).patches, before)


def test_half_storage_never_reads_more_than_full(generator):
    """Where half precision would cancel, and the dense form is larger than the low-rank one in full."""
    samples = Samples.of(
        0.5 * torch.randn(10, 12, 200, generator=generator),
        precision=torch.float32,
        storage=torch.float16,
        allocator=IN_MEMORY,
    )
    chosen = quickest_whitening(samples, eps=0.01, half=True)
    assert isinstance(chosen, LowRankWhitening) and isinstance(chosen._factor, FullFactor)


def test_many_batches_in_files_need_few_handles(generator):
    data = patches(generator, 300, channels=320, height=1, width=2)
    expected = Gaussian().forecast(images=300, channels=320, positions=2)
    gaussian = Gaussian(memory_budget=(expected.factor + expected.workspace + 1000) / 1e9)
    before = len(list(Path("/proc/self/fd").iterdir()))
    gaussian.fit(stream(data, 1))
    assert len(list(Path("/proc/self/fd").iterdir())) - before < 20
    assert torch.equal(
        gaussian.score(Embedding(data[:2])).patches, fitted(data).score(Embedding(data[:2])).patches
    )


def test_a_merge_keeps_the_budget(generator):
    data = patches(generator, 16, channels=9)
    enough = Gaussian().forecast(images=4, channels=9, positions=12)
    parts = [
        fitted(part, memory_budget=(enough.factor + enough.workspace + 500) / 1e9) for part in data.split(4)
    ]
    with pytest.raises(OverBudget):
        for other in parts[1:]:
            parts[0].merge(other)


@pytest.mark.parametrize("length", [0, 1])
def test_a_stream_of_unknown_length_is_forecast_by_its_batches(generator, length):
    data = patches(generator, 20, channels=9)
    four = Gaussian().forecast(images=4, channels=9, positions=12)
    gaussian = Gaussian(memory_budget=(four.factor + four.workspace + 500) / 1e9)
    with pytest.raises(OverBudget):
        gaussian.fit(Stream(lambda: iter([Embedding(data)]), length))
    gaussian.fit(
        Stream(lambda: iter([Embedding(data[:4, :, :2, :2])]), length)
    )  # a smaller grid is no matter


def test_no_images_gradients_and_boundless_budgets_do_no_harm(generator):
    data = patches(generator, 10).requires_grad_()
    gaussian = Gaussian(memory_budget=float("inf"))
    gaussian.fit([Embedding(data[:0]), Embedding(data), Embedding(data[:0])])
    assert gaussian.score(Embedding(data[:0])).patches.shape == (0, 3, 4)
    expected = fitted(data.detach()).score(Embedding(data.detach())).patches
    found = gaussian.score(Embedding(data)).patches
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert not found.requires_grad


def test_preparing_makes_the_factors_that_the_first_score_would_make(random, monkeypatch):
    made = []
    monkeypatch.setattr(Gaussian, "_prepared", lambda self: made.append(self) or prepared(self))
    density = Gaussian()
    with pytest.raises(NotFitted, match=r"Gaussian\.score was called before fit"):
        density.prepare()
    patches = torch.from_numpy(random.normal(0, 1, (9, 4, 2, 2))).float()
    made.clear()
    density.fit([Embedding(patches)])
    assert made == []
    density.prepare()
    density.prepare()
    density.score(Embedding(patches))
    assert made == [density]
    density.update([Embedding(patches)])
    density.score(Embedding(patches))
    assert len(made) == 2


prepared = Gaussian._prepared
