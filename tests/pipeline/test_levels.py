import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter

from padimkit.errors import BadArgument
from padimkit.pipeline.levels import Joint, Separate
from padimkit.values import Features


@pytest.fixture
def features(generator):
    maps = {
        name: torch.randn(2, channels, side, side, generator=generator)
        for name, channels, side in (("fine", 3, 8), ("middle", 5, 4), ("coarse", 7, 2))
    }
    return Features(maps, torch.randn(2, 9, generator=generator))


def test_joint_repeats_coarser_layers_and_concatenates(features):
    found = Joint().split(features)
    expected = np.concatenate(
        [
            map_.numpy().repeat(8 // map_.shape[2], axis=2).repeat(8 // map_.shape[3], axis=3)
            for map_ in features.maps.values()
        ],
        axis=1,
    )
    assert list(found) == ["joint"]
    np.testing.assert_array_equal(found["joint"].embedding().patches, expected)
    assert found["joint"].descriptor is features.descriptor


def test_separate_keeps_each_layer(features):
    found = Separate().split(features)
    assert list(found) == ["fine", "middle", "coarse"]
    for layer, pyramid in found.items():
        assert pyramid.embedding().patches is features.maps[layer]
        assert pyramid.descriptor is features.descriptor


def test_global_pooling_leaves_one_position(features):
    found = Separate(pooling="global").split(features)["middle"].embedding().patches
    np.testing.assert_allclose(
        found[:, :, 0, 0], features.maps["middle"].numpy().mean((2, 3)), rtol=1e-5, atol=1e-6
    )
    assert found.shape == (2, 5, 1, 1)


@pytest.mark.parametrize("window", [3, 5])
def test_local_pooling_averages_the_neighbours_that_exist(features, window):
    found = Separate(pooling="local", window=window).split(features)["fine"].embedding().patches
    size = (1, 1, window, window)
    sums = uniform_filter(features.maps["fine"].double().numpy(), size, mode="constant")
    weights = uniform_filter(np.ones((2, 3, 8, 8)), size, mode="constant")
    np.testing.assert_allclose(found, sums / weights, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("window", [3, 5])
@pytest.mark.parametrize("levels", [Joint, Separate])
def test_zeros_beyond_the_border_count_where_asked_for(features, levels, window):
    only = Features({"fine": features.maps["fine"]})
    ((_, pyramid),) = levels(pooling="local", window=window, border="zeros").split(only).items()
    expected = uniform_filter(only.maps["fine"].double().numpy(), (1, 1, window, window), mode="constant")
    np.testing.assert_allclose(pyramid.embedding().patches, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("levels", [Joint, Separate])
@pytest.mark.parametrize("window", [0, 2])
def test_a_window_without_centre_is_refused(levels, window):
    with pytest.raises(BadArgument, match=f'odd "window" of at least 1 and at most 65535, got {window}'):
        levels(pooling="local", window=window)
