import numpy as np
import pytest
import torch
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA as ScikitPCA

from padimkit.densities.gaussian import Gaussian
from padimkit.errors import BadArgument, BadData, BadShape, NotFitted
from padimkit.pipeline.fitted_levels import FittedLevels
from padimkit.reducers.pca import PCA
from padimkit.values import Embedding, Pyramid, Stream


def patches(generator, count=12, channels=8):
    mixing = torch.randn(channels, channels, generator=generator)
    return 10 + torch.einsum("cd,bdhw->bchw", mixing, torch.randn(count, channels, 3, 4, generator=generator))


def fitted(data, keep, batch=5):
    pca = PCA(keep)
    pca.fit([Embedding(part) for part in data.split(batch)])
    return pca


def test_components_are_those_of_scikit_learn(generator):
    data, test = patches(generator), patches(generator, 2)
    rows = data.permute(0, 2, 3, 1).reshape(-1, 8).double().numpy()
    expected = ScikitPCA(3, svd_solver="full").fit(rows)
    found = fitted(data, 3).transform(Embedding(test)).patches.permute(0, 2, 3, 1).reshape(-1, 3)
    projected = expected.transform(test.permute(0, 2, 3, 1).reshape(-1, 8).double().numpy())
    signs = np.sign((found.numpy() * projected).sum(0))
    np.testing.assert_allclose(found, projected * signs, rtol=1e-3, atol=1e-3)


def test_components_of_lowest_variance_are_the_last_of_scikit_learn(generator):
    data, test = patches(generator), patches(generator, 2)
    expected = ScikitPCA(8, svd_solver="full").fit(data.permute(0, 2, 3, 1).reshape(-1, 8).double().numpy())
    pca = PCA(2, which="low_variance")
    pca.fit([Embedding(data)])
    found = pca.transform(Embedding(test)).patches.permute(0, 2, 3, 1).reshape(-1, 2)
    projected = expected.transform(test.permute(0, 2, 3, 1).reshape(-1, 8).double().numpy())[:, :-3:-1]
    signs = np.sign((found.numpy() * projected).sum(0))
    np.testing.assert_allclose(found, projected * signs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
def test_a_fraction_is_understood_as_by_scikit_learn(generator, share):
    data = patches(generator)
    rows = data.permute(0, 2, 3, 1).reshape(-1, 8).double().numpy()
    expected = ScikitPCA(share, svd_solver="full").fit(rows)
    assert fitted(data, share).transform(Embedding(data)).patches.shape[1] == expected.n_components_


@pytest.mark.parametrize("share", [1e-6, 0.01, 0.1, 0.5])
def test_a_fraction_of_lowest_variance_is_never_exceeded_but_by_one_component(generator, share):
    data = patches(generator)
    pca = PCA(share, which="low_variance")
    pca.fit([Embedding(data)])
    kept = pca.transform(Embedding(data)).patches.shape[1]
    ratios = ScikitPCA(8, svd_solver="full").fit(data.permute(0, 2, 3, 1).reshape(-1, 8).double().numpy())
    shares = ratios.explained_variance_ratio_[::-1].cumsum()
    assert kept == max(1, (shares <= share).sum())


def negated(rows, share):
    """The components of MahalanobisAD's program, but for the one of no variance that it keeps of few rows."""
    pca = ScikitPCA(svd_solver="full").fit(rows)
    last = (pca.explained_variance_ratio_.cumsum() > 1 - share).argmax()
    return pca.components_[last - 1 : len(rows) - 1]


@pytest.mark.parametrize(("count", "share"), [(12, 0.01), (12, 0.2), (60, 0.01), (60, 0.1), (60, 0.6)])
def test_negated_components_score_as_mahalanobis_ads_program(generator, count, share):
    """Of 12 images and 20 channels, and of 60: the distances in the components, after Ledoit and Wolf."""
    mixing = torch.randn(20, 20, generator=generator) * torch.linspace(0.1, 2, 20)
    rows, unseen = (torch.randn(number, 20, generator=generator) @ mixing + 3 for number in (count, 9))
    pipe = PCA(share, which="negated"), Gaussian(eps=0.0, covariance="ledoit_wolf", precision="float64")
    embeddings = [Embedding(vectors[:, :, None, None]) for vectors in (rows, unseen)]
    pipe[0].fit(embeddings[:1])
    reduced = [pipe[0].transform(embedding) for embedding in embeddings]
    pipe[1].fit(reduced[:1])
    components = negated(rows.double().numpy(), share)
    low, other = (vectors.double().numpy() @ components.T for vectors in (rows, unseen))
    expected = np.sqrt(LedoitWolf().fit(low).mahalanobis(other))
    assert reduced[0].patches.shape[1] == len(components) <= min(count - 1, 20)
    np.testing.assert_allclose(pipe[1].score(reduced[1]).patches[:, 0, 0], expected, rtol=1e-4)


def test_directions_without_variance_are_kept_by_low_variance_alone(generator):
    few = patches(generator, 4)[:, :, :1, :1]  # 4 patches of 8 channels vary in 3 directions
    counts = {}
    for which in ("low_variance", "negated"):
        pca = PCA(0.01, which=which)
        pca.fit([Embedding(few)])
        counts[which] = pca.transform(Embedding(few)).patches.shape[1]
    assert counts["low_variance"] >= 5 and counts["negated"] <= 3
    pca = PCA(4, which="negated")
    pca.fit([Embedding(few)])
    with pytest.raises(BadData, match='"keep" is 4, but 4 patches vary in 3 directions'):
        pca.transform(Embedding(few))


def test_all_components_keep_all_distances(generator):
    data, test = patches(generator), patches(generator, 2)
    after = fitted(data, 8).transform(Embedding(test)).patches
    torch.testing.assert_close((after[0] - after[1]).norm(dim=0), (test[0] - test[1]).norm(dim=0))


def test_update_equals_one_fit(generator):
    data, test = patches(generator), Embedding(patches(generator, 2))
    updated = fitted(data[:5], 3)
    updated.transform(test)
    updated.update([Embedding(data[5:])])
    torch.testing.assert_close(updated.transform(test).patches, fitted(data, 3).transform(test).patches)


def test_restored_components_are_the_same_bit_for_bit(generator):
    pca, test = fitted(patches(generator), 3), Embedding(patches(generator, 2))
    restored = PCA(3)
    restored.load_state_dict(pca.state_dict())
    assert torch.equal(restored.transform(test).patches, pca.transform(test).patches)


def test_the_stream_is_read_once(generator):
    loops = []

    class Counted:
        def __iter__(self):
            loops.append(1)
            return iter([Embedding(patches(generator))])

    PCA(2).fit(Counted())
    assert len(loops) == 1


@pytest.mark.parametrize("keep", [0, 9, -0.5, 1.0, 2.5])
def test_keep_out_of_range_is_refused(generator, keep):
    with pytest.raises(BadArgument, match=f'"keep" from 1 to the 8 channels .*, got {keep}'):
        fitted(patches(generator), keep)


def test_an_empty_stream_is_refused():
    with pytest.raises(BadData, match="no embeddings"):
        PCA(2).fit([])


def test_one_patch_is_refused(generator):
    pca = PCA(2)
    pca.fit([Embedding(patches(generator, 1)[:, :, :1, :1])])
    with pytest.raises(BadData, match="at least 2 patches, found 1"):
        pca.transform(Embedding(patches(generator, 1)))


def test_use_before_fit_is_refused(generator):
    with pytest.raises(NotFitted, match="transform was called before fit"):
        PCA(2).transform(Embedding(patches(generator)))
    with pytest.raises(NotFitted, match="state_dict was called before fit"):
        PCA(2).state_dict()


def test_the_largest_weight_of_each_component_is_positive(generator):
    for _ in range(5):  # eigenvectors come with either sign
        pca = fitted(patches(generator), 8)
        units = torch.eye(8)[:, :, None, None]
        zero = pca.transform(Embedding(torch.zeros(1, 8, 1, 1))).patches
        weights = (pca.transform(Embedding(units)).patches - zero)[:, :, 0, 0]  # channel, component
        assert (weights.gather(0, weights.abs().argmax(0, keepdim=True)) > 0).all()


def layers(generator, sizes, alignment="nearest"):
    return [
        Pyramid(
            tuple(torch.randn(3, channels, *size, generator=generator) for channels, size in sizes),
            alignment=alignment,
        )
        for _ in range(3)
    ]


@pytest.mark.parametrize(
    ("sizes", "alignment"),
    [
        ([(4, (8, 8)), (3, (4, 4)), (2, (2, 2))], "nearest"),
        ([(4, (8, 8)), (3, (4, 4)), (2, (2, 2))], "bilinear"),
        ([(4, (8, 8)), (3, (3, 5))], "nearest"),  # which do not fit into each other
        ([(5, (6, 4))], "nearest"),
    ],
)
def test_layers_give_the_components_of_aligned_patches(generator, sizes, alignment):
    stream = layers(generator, sizes, alignment)
    rows = torch.cat([one.embedding().patches for one in stream]).permute(0, 2, 3, 1).flatten(0, 2)
    expected = ScikitPCA(3, svd_solver="full").fit(rows.double().numpy())
    pca = PCA(3)
    pca.fit_pyramids(stream)
    found = pca.transform(stream[0].embedding()).patches.permute(0, 2, 3, 1).reshape(-1, 3)
    projected = expected.transform(rows[: len(found)].double().numpy())
    signs = np.sign((found.numpy() * projected).sum(0))
    np.testing.assert_allclose(found, projected * signs, rtol=1e-4, atol=1e-4)


def test_a_pipeline_of_several_layers_learns_from_them_unaligned(generator, monkeypatch):
    monkeypatch.setattr(PCA, "fit", None)
    (pyramid,) = layers(generator, [(4, (8, 8)), (3, (4, 4))])[:1]
    learnt = FittedLevels.fit(PCA(2), Gaussian(), Stream(lambda: iter([{"all": pyramid}])))
    assert learnt.reduce({"all": pyramid})["all"].patches.shape == (3, 2, 8, 8)


def test_layers_are_refused_as_embeddings_are(generator):
    with pytest.raises(BadArgument, match='Expected "keep" from 1 to the 7 channels of the embedding'):
        PCA(8).fit_pyramids(layers(generator, [(4, (8, 8)), (3, (4, 4))]))
    with pytest.raises(BadData, match="PCA was given no embeddings to learn from"):
        PCA(2).fit_pyramids([])
    few, more = layers(generator, [(4, (8, 8)), (3, (4, 4))]), layers(generator, [(4, (8, 8)), (4, (4, 4))])
    with pytest.raises(BadShape, match="Expected vectors of 7 dimensions"):
        PCA(2).fit_pyramids([*few, *more])


@pytest.mark.parametrize("keep", ["3", None, True])
def test_keep_is_a_number(keep):
    with pytest.raises(BadArgument, match=f'Expected "keep" to be a number, got {keep!r}'):
        PCA(keep)
