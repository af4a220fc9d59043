import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA as ScikitPCA

from padimkit.errors import BadArgument, BadData, BadModel, BadShape, NotFitted
from padimkit.reducers.pca_per_position import PCAPerPosition
from padimkit.values import Embedding


def patches(generator, count, channels=6):
    mixing = torch.randn(12, channels, channels, generator=generator)  # other directions at each position
    drawn = torch.randn(count, 12, channels, generator=generator)
    return 10 + torch.einsum("pcd,bpd->bcp", mixing, drawn).reshape(count, channels, 3, 4)


def fitted(data, keep=2):
    pca = PCAPerPosition(keep)
    pca.fit([Embedding(part) for part in data.split(5)])
    return pca


@pytest.mark.parametrize("count", [5, 40])  # fewer images than channels, and more
def test_each_position_has_the_components_of_scikit_learn(generator, count):
    data = patches(generator, count + 2)
    train, test = data[:count], data[count:]
    found = fitted(train).transform(Embedding(test)).patches
    assert found.shape == (2, 2, 3, 4)
    for row, column in np.ndindex(3, 4):
        pca = ScikitPCA(2, svd_solver="full").fit(train[:, :, row, column].double().numpy())
        expected = pca.transform(test[:, :, row, column].double().numpy())
        signs = np.sign(pca.components_[np.arange(2), np.abs(pca.components_).argmax(1)])
        np.testing.assert_allclose(found[:, :, row, column], expected * signs, rtol=1e-3, atol=1e-3)


def test_directions_in_which_a_position_does_not_vary_are_zero(generator):
    for count in (5, 40):
        data = patches(generator, count)
        data[:, :, 0, 0] = 7
        data[:, 1:, 0, 1] = 3  # one channel varies
        found = fitted(data).transform(Embedding(data + 1)).patches
        assert (found[:, :, 0, 0] == 0).all() and (found[:, 1, 0, 1] == 0).all()
        assert (found[:, 0, 0, 1] != 0).all() and (found[:, 1, 0, 2] != 0).all()


def test_what_is_too_much_for_the_data_is_refused(generator):
    data = patches(generator, 5)
    with pytest.raises(BadArgument, match='"keep" of at least 1, got 0'):
        PCAPerPosition(0)
    with pytest.raises(BadArgument, match='"keep" from 1 to the 6 channels .*, got 7'):
        fitted(data, 7)
    with pytest.raises(BadData, match='"keep" is 5, but 5 images vary in 4 directions at each position'):
        fitted(data, 5)
    with pytest.raises(BadData, match="no embeddings"):
        PCAPerPosition(2).fit([])
    with pytest.raises(NotFitted, match="transform was called before fit"):
        PCAPerPosition(2).transform(Embedding(data))


def test_other_grids_and_channels_are_refused(generator):
    data = patches(generator, 5)
    pca = fitted(data)
    with pytest.raises(BadShape, match="fitted on 3 x 4 positions, got 2 x 4"):
        pca.transform(Embedding(data[:, :, 1:]))
    with pytest.raises(BadShape, match="fitted on 6 channels, got 5"):
        pca.transform(Embedding(data[:, 1:]))
    with pytest.raises(BadShape, match="fitted on 3 x 4 positions, got 3 x 3"):
        PCAPerPosition(2).fit([Embedding(data), Embedding(data[:, :, :, 1:])])


def test_a_grid_of_other_positions_is_refused(generator):
    pca = fitted(patches(generator, 5))
    with pytest.raises(BadModel, match='12 positions, and a "grid" of 3 x 5'):
        PCAPerPosition(2).load_state_dict(pca.state_dict() | {"grid": torch.tensor([3, 5])})
