"""The drawn pixels are the same on every machine."""

import hashlib
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from padimkit.datasets.synthetic.camera import photograph
from padimkit.datasets.synthetic.dataset import CATEGORIES
from padimkit.datasets.synthetic.draws import Draws
from padimkit.datasets.synthetic.fields import blurred, blurred_along_columns, distance_from_path
from padimkit.datasets.synthetic.scene import Scene

# If these change, raise VERSION beside the data set, so that folders of earlier drawings are refused.
PIXELS = {
    ("assembly", 0.0): "42cfac8222ee90bc",
    ("assembly", 0.5): "82eea72787ffdbd9",
    ("assembly", 1.0): "a1289daf2d142990",
    ("object", 0.0): "8208b861da85a534",
    ("object", 0.5): "516e302746ac84d0",
    ("object", 1.0): "c808941a5e94f625",
    ("texture", 0.0): "8a2019f77513a4ce",
    ("texture", 0.5): "566d5da3b5f2d5f2",
    ("texture", 1.0): "8870df1987ef2cea",
}


def _digest(category, difficulty):
    """Return a digest of a normal image and of one of each kind of defect, with their masks."""
    drawn, scene, digest = CATEGORIES[category], Scene(64, difficulty), hashlib.sha256()
    for number, draw in enumerate([drawn.normal, *drawn.defects.values()]):
        drawing = draw(Draws(3, number), scene)
        digest.update(photograph(drawing.picture, Draws(3, number, 1), scene).tobytes())
        digest.update(drawing.mask.tobytes())
    return digest.hexdigest()[:16]


@pytest.mark.parametrize("difficulty", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("category", CATEGORIES)
def test_a_seed_gives_these_pixels(category, difficulty):
    assert _digest(category, difficulty) == PIXELS[category, difficulty]


def test_draws_do_not_depend_on_the_generators_of_numpy():
    draws = Draws(1, 2)
    assert [draws.count(0, 1000) for _ in range(4)] == [198, 295, 8, 820]
    assert draws.number(-1.0, 1.0) == -0.8774861035453656
    assert (draws.normal(3) * 37837.23).round().astype(int).tolist() == [24305, 74556, -39545]


def test_draws_have_the_moments_that_they_promise():
    draws = Draws(0)
    normal = draws.normal(200, 1000)
    assert normal.shape == (200, 1000)
    assert normal.mean() == pytest.approx(0, abs=0.01)
    assert normal.std() == pytest.approx(1, abs=0.01)
    assert np.abs(normal).max() < 3.5
    numbers = np.array([draws.number(-2.0, 6.0) for _ in range(4000)])
    assert numbers.min() >= -2 and numbers.max() < 6
    assert numbers.mean() == pytest.approx(2, abs=0.15)
    assert {draws.count(3, 7) for _ in range(200)} == {3, 4, 5, 6}


def test_draws_of_other_seeds_have_nothing_in_common():
    streams = [Draws(*seeds).normal(2000) for seeds in ((0,), (1,), (0, 1), (1, 0))]
    correlations = np.corrcoef(streams) - np.eye(4)
    assert np.abs(correlations).max() < 0.1


@pytest.mark.parametrize("cells", [2, 6, 40])
def test_clouds_are_smooth_and_have_as_many_hills_as_they_are_told(cells):
    field = np.mean([Draws(seed).clouds(128, cells=cells) ** 2 for seed in range(20)])
    assert field == pytest.approx(0.6, abs=0.25)
    steps = np.abs(np.diff(Draws(0).clouds(128, cells=cells), axis=0)).max()
    assert steps < 9 * cells / 128


@pytest.mark.parametrize("shape", [(40,), (40, 30), (40, 30, 3)])
@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.5])
def test_blur_is_that_of_scipy(shape, sigma):
    field = Draws(4).normal(*shape)
    deviations = (sigma,) + (0,) * (len(shape) - 1) if len(shape) == 1 else (sigma, sigma, 0)[: len(shape)]
    expected = gaussian_filter(field, deviations, mode="reflect", radius=int(np.ceil(3 * sigma)))
    found = blurred_along_columns(field, sigma=sigma) if len(shape) == 1 else blurred(field, sigma=sigma)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_distances_from_a_path_are_those_from_its_nearest_point():
    path = np.array([(-0.5, -0.2), (0.1, 0.3), (0.6, -0.4)])
    dense = np.concatenate([np.linspace(a, b, 4000) for a, b in pairwise(path)])
    found = distance_from_path(path, 16)
    steps = (np.arange(16) + 0.5) / 8 - 1
    for row, y in enumerate(steps):
        for column, x in enumerate(steps):
            expected = np.hypot(dense[:, 0] - x, dense[:, 1] - y).min()
            assert found[row, column] == pytest.approx(expected, abs=1e-3)
