import numpy as np
import pytest
import torch
from jsonargparse import ArgumentParser
from safetensors.torch import load_file, save_file
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import NMF, PCA, IncrementalPCA, KernelPCA, TruncatedSVD
from sklearn.manifold import TSNE, Isomap
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from padimkit import load, save
from padimkit.backbones.pixels import Pixels
from padimkit.contracts import Reducer
from padimkit.densities.gaussian import Gaussian
from padimkit.errors import BadArgument, BadData, BadModel, NotFitted
from padimkit.images.preprocessing import Preprocessing
from padimkit.pipeline.pipeline import Pipeline
from padimkit.reducers import _rows
from padimkit.reducers.scikit_learn import ScikitLearn
from padimkit.testing.pytest import contract_checks
from padimkit.values import Batch, Embedding


def embedding(generator, images=6, channels=7, size=(4, 5)):
    mixing = torch.randn(channels, channels, generator=generator)
    noise = torch.randn(images, *size, channels, generator=generator)
    return Embedding((3 + noise @ mixing).permute(0, 3, 1, 2))


def rows_of(embedding):
    return np.stack(
        [vector for image in embedding.patches.numpy() for vector in image.reshape(len(image), -1).T]
    )


def batches(embedding, size):
    return [Embedding(part) for part in embedding.patches.split(size)]


def fitted(estimator, stream, **arguments):
    reducer = ScikitLearn(estimator, **arguments)
    reducer.fit(stream)
    return reducer


@contract_checks(Reducer)
@pytest.mark.parametrize(
    "make",
    [
        lambda: ScikitLearn(PCA(3, whiten=True), patches=500),
        lambda: ScikitLearn(TruncatedSVD(3)),
        lambda: ScikitLearn(MiniBatchKMeans(3, n_init=1)),
        lambda: ScikitLearn(StandardScaler(copy=False), patches=500),
    ],
    ids=["pca", "svd", "k_means", "in_place"],
)
def test_contract(check, make):
    check(make)


@contract_checks(
    Reducer, expected_failures={"another_seed_gives_another_result": "IncrementalPCA draws nothing itself"}
)
def test_contract_without_anything_random(check):
    check(lambda: ScikitLearn(IncrementalPCA(3)))


@pytest.mark.parametrize(
    "estimator", [IncrementalPCA(3), PCA(3), GaussianRandomProjection(3, random_state=5)]
)
def test_patches_are_what_the_estimator_makes_of_each_vector(generator, estimator):
    training, question = embedding(generator), embedding(generator, images=2)
    found = fitted(estimator, batches(training, 4)).transform(question).patches
    by_hand = type(estimator)(**estimator.get_params())
    getattr(by_hand, "partial_fit", by_hand.fit)(rows_of(training))
    assert found.shape == (2, 3, 4, 5)
    np.testing.assert_allclose(
        rows_of(Embedding(found)), by_hand.transform(rows_of(question)), rtol=1e-4, atol=1e-4
    )


def test_partial_fit_gets_chunks_of_one_size_whatever_the_batches_are(generator, monkeypatch):
    monkeypatch.setattr(_rows, "CHUNK", 30)
    training = embedding(generator, images=8)  # 160 vectors
    by_hand = IncrementalPCA(3)
    for part in np.split(rows_of(training), [30, 60, 90, 120]):
        by_hand.partial_fit(part)
    for size in (1, 3, 8):
        reducer = fitted(IncrementalPCA(3), batches(training, size))
        components = reducer.state_dict()["array/components_"].numpy()
        np.testing.assert_allclose(components, by_hand.components_, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("total", [1, 29, 30, 59, 60, 61, 200])
def test_chunks_hold_every_vector_once(generator, monkeypatch, total):
    monkeypatch.setattr(_rows, "CHUNK", 30)
    training = embedding(generator, images=total, size=(1, 1))
    found = list(_rows.chunks(batches(training, 7)))
    np.testing.assert_array_equal(np.concatenate(found), rows_of(training))
    assert all(len(part) == 30 for part in found[:-1])
    assert min(30, total) <= len(found[-1]) < 60


def test_no_vector_is_drawn_twice_and_each_equally_often():
    numbers = torch.arange(60.0).reshape(60, 1, 1, 1)
    counts = np.zeros(60)
    for seed in range(300):
        found = _rows.drawn(batches(Embedding(numbers), 7), 20, seed=seed)[:, 0].astype(int)
        assert len(set(found)) == 20
        counts[found] += 1
    assert counts.min() > 65  # 100 expected, standard deviation 8.2
    assert counts.max() < 135


def test_a_single_vector_is_drawn_fairly():
    numbers = torch.arange(3.0).reshape(3, 1, 1, 1)
    found = [float(_rows.drawn(batches(Embedding(numbers), 1), 1, seed=seed)[0, 0]) for seed in range(600)]
    assert all(150 < found.count(number) < 250 for number in (0, 1, 2))  # 200, standard deviation 11.5


def test_what_is_drawn_depends_on_the_seed_and_not_on_the_batches(generator):
    training = embedding(generator, images=10)
    found = [_rows.drawn(batches(training, size), 30, seed=seed) for size, seed in ((1, 3), (4, 3), (4, 5))]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_fewer_patches_than_allowed_are_all_learnt_from(generator):
    training = embedding(generator)
    np.testing.assert_array_equal(_rows.drawn(batches(training, 4), 1000, seed=0), rows_of(training))
    some, all_ = (fitted(PCA(3), [training], patches=patches) for patches in (1000, None))
    assert torch.equal(some.transform(training).patches, all_.transform(training).patches)


def test_random_projections_read_the_first_batch_only(generator):
    def stream():
        yield embedding(generator)
        raise AssertionError("a second batch was read")

    reducer = fitted(GaussianRandomProjection(3, random_state=5), stream())
    expected = GaussianRandomProjection(3, random_state=5).fit(np.zeros((2, 7), np.float32)).components_
    np.testing.assert_array_equal(reducer.state_dict()["array/components_"].numpy(), expected)


def test_the_seed_is_that_of_an_estimator_which_has_none(generator):
    training = embedding(generator)

    def components(random_state, seed):
        estimator = GaussianRandomProjection(3, random_state=random_state)
        return fitted(estimator, [training], seed=seed).state_dict()["array/components_"]

    assert torch.equal(components(None, 4), components(4, 0))
    assert not torch.equal(components(None, 4), components(None, 5))
    assert torch.equal(components(4, 1), components(4, 2))


def test_an_estimator_that_works_in_place_leaves_the_embedding_alone(generator):
    training = embedding(generator)
    assert training.patches.is_contiguous(memory_format=torch.channels_last)
    before = training.patches.clone()
    fitted(StandardScaler(copy=False), [training]).transform(training)
    assert torch.equal(training.patches, before)


def test_a_state_that_is_overwritten_after_it_was_loaded_changes_nothing(generator):
    training = embedding(generator)
    reducer, restored = fitted(PCA(3), [training]), ScikitLearn(PCA(3))
    state = {name: tensor.clone() for name, tensor in reducer.state_dict().items()}
    restored.load_state_dict(state)
    for tensor in state.values():
        tensor.zero_()
    assert torch.equal(restored.transform(training).patches, reducer.transform(training).patches)


def test_the_given_estimator_is_left_as_it_is(generator):
    estimator = PCA(3)
    before = dict(vars(estimator))
    fitted(estimator, [embedding(generator)])
    assert vars(estimator) == before


def test_the_state_is_read_back_with_the_types_that_it_had(generator, tmp_path):
    reducer = fitted(IncrementalPCA(3), [embedding(generator)])
    save_file(reducer.state_dict(), tmp_path / "state.safetensors")
    restored = ScikitLearn(IncrementalPCA(3))
    restored.load_state_dict(load_file(tmp_path / "state.safetensors"))
    by_hand = IncrementalPCA(3).partial_fit(rows_of(embedding(generator)))
    for name, value in vars(by_hand).items():
        assert type(getattr(restored._fitted, name)) is type(value), name


def test_it_is_configured_by_class_path():
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--reducer", type=Reducer)
    inner = {"class_path": "sklearn.decomposition.IncrementalPCA", "init_args": {"n_components": 5}}
    outer = {"class_path": f"{ScikitLearn.__module__}.ScikitLearn", "init_args": {"estimator": inner}}
    reducer = parser.instantiate(parser.parse_object({"reducer": outer})).reducer
    assert isinstance(reducer, ScikitLearn)
    assert reducer.estimator.get_params()["n_components"] == 5


def test_a_stored_model_is_loaded_if_it_is_trusted_and_predicts_the_same(generator, tmp_path):
    images = torch.rand(6, 3, 12, 12, generator=generator)
    pipeline = Pipeline(
        Pixels(),
        ScikitLearn(IncrementalPCA(2)),
        Gaussian(),
        preprocessing=Preprocessing(resize=12, crop=12),
    )
    pipeline.fit([Batch(images, ("x",) * 6)])
    save(pipeline, tmp_path / "model")
    with pytest.raises(BadModel, match='IncrementalPCA", which may stand for .*--trust'):
        load(tmp_path / "model")
    found, expected = load(tmp_path / "model", trust=True).predict(images), pipeline.predict(images)
    assert torch.equal(found.anomaly_maps, expected.anomaly_maps)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (SparseRandomProjection(3), 'SparseRandomProjection .* its "components_" is a csr_matrix'),
        (Isomap(), 'Isomap cannot be stored: its "nbrs_" is a NearestNeighbors'),
        (KernelPCA(3, kernel="rbf"), "KernelPCA cannot be stored with what it has learnt .*_centerer"),
        (make_pipeline(StandardScaler(), PCA(3)), "Pipeline cannot be stored .*not fitted"),
    ],
)
def test_what_cannot_be_stored_is_refused_when_it_is_fitted(generator, estimator, message):
    with pytest.raises(BadArgument, match=message):
        fitted(estimator, [embedding(generator)])


class Forgetful(TransformerMixin, BaseEstimator):
    """Has learnt something that is neither an array nor in a public attribute."""

    def fit(self, rows, y=None):
        self._mean = {"mean": rows.mean()}
        return self

    def transform(self, rows):
        return rows - getattr(self, "_mean", {"mean": 0})["mean"]


class Sums(StandardScaler):
    def transform(self, rows):
        return rows.sum(1)


def test_an_estimator_that_forgets_when_it_is_stored_is_refused(generator):
    with pytest.raises(BadArgument, match="Forgetful cannot be stored: read back, it gives other results"):
        fitted(Forgetful(), [embedding(generator)])


def test_results_other_than_one_row_for_each_patch_are_refused(generator):
    with pytest.raises(BadArgument, match=r"Sums makes a ndarray of shape \(64,\) of 64 patches"):
        fitted(Sums(), [embedding(generator)])


@pytest.mark.parametrize("estimator", [PCA(8), IncrementalPCA(8), PCA(-2)])
def test_what_the_estimator_refuses_is_refused_with_its_reason(generator, estimator):
    with pytest.raises(
        BadArgument, match=f"{type(estimator).__name__} cannot learn from these .*n_components"
    ):
        fitted(estimator, [embedding(generator)])


def test_too_many_patches_to_hold_are_refused_before_all_are_read(generator, monkeypatch):
    monkeypatch.setattr(_rows, "MOST", 50)

    def stream():
        yield from batches(embedding(generator), 1)[:3]
        raise AssertionError("more was read than can be held")

    with pytest.raises(BadArgument, match='more than 50 training patches of 7 channels. Set "patches"'):
        fitted(PCA(3), stream())
    fitted(PCA(3), [embedding(generator)], patches=60)


def test_arguments_out_of_range_are_refused():
    with pytest.raises(BadArgument, match="TSNE does not offer fit and transform"):
        ScikitLearn(TSNE())
    with pytest.raises(BadArgument, match='"patches" of at least 1, got 0'):
        ScikitLearn(PCA(3), patches=0)


@pytest.mark.parametrize("arguments", [{}, {"patches": 5}])
@pytest.mark.parametrize("estimator", [PCA(3), IncrementalPCA(3), GaussianRandomProjection(3)])
def test_an_empty_stream_is_refused(estimator, arguments):
    with pytest.raises(BadData, match="no embeddings"):
        fitted(estimator, [], **arguments)


def test_use_before_fit_is_refused(generator):
    with pytest.raises(NotFitted, match="transform was called before fit"):
        ScikitLearn(PCA(3)).transform(embedding(generator))
    with pytest.raises(NotFitted, match="state_dict was called before fit"):
        ScikitLearn(PCA(3)).state_dict()


def test_more_channels_than_before_can_be_made(generator):
    training = embedding(generator, channels=3)
    assert fitted(PolynomialFeatures(2), [training]).transform(training).patches.shape[1] == 10


def test_what_takes_no_negative_patches_is_stored_and_read(generator):
    patches = Embedding(torch.rand(20, 5, 3, 3, generator=generator))
    reducer, restored = (
        fitted(NMF(2, max_iter=400), [patches], patches=150),
        ScikitLearn(NMF(2, max_iter=400), patches=150),
    )
    restored.load_state_dict(reducer.state_dict())
    assert torch.equal(restored.transform(patches).patches, reducer.transform(patches).patches)


def test_patches_that_are_all_alike_can_be_learnt():
    embedding = Embedding(torch.ones(8, 4, 3, 3))
    assert torch.isfinite(fitted(StandardScaler(), [embedding]).transform(embedding).patches).all()
