import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter

from padimkit.errors import BadArgument
from padimkit.pipeline.anomaly_map import AnomalyMap
from padimkit.values import Scores


def scores(generator, height=7, width=9, images=None):
    return Scores(torch.rand(3, height, width, generator=generator) * 50, images)


def upsampled(level, size, mode="bicubic"):
    return F.interpolate(level.patches[:, None].double(), size, mode=mode, align_corners=False)[:, 0]


@pytest.mark.parametrize("upsampling", ["bicubic", "bilinear"])
@pytest.mark.parametrize("sigma", [0.0, 1.5, 4.0])
def test_map_is_upsampled_and_filtered_as_by_scipy(generator, sigma, upsampling):
    level = scores(generator)
    found = AnomalyMap(sigma=sigma, upsampling=upsampling).predict([level], (40, 64))
    plain = upsampled(level, (40, 64), upsampling).numpy()
    expected = np.stack([gaussian_filter(map_, sigma) for map_ in plain])
    np.testing.assert_allclose(found.anomaly_maps, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.image_scores, expected.max((1, 2)), rtol=1e-4)


def test_levels_are_summed(generator):
    fine, coarse = scores(generator, 8, 8), scores(generator, 4, 4)
    found = AnomalyMap(sigma=0.0).predict([fine, coarse], (32, 32)).anomaly_maps
    expected = upsampled(fine, (32, 32)) + upsampled(coarse, (32, 32))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_image_score_can_be_taken_before_smoothing(generator):
    level = scores(generator)
    found = AnomalyMap(image_score="before").predict([level], (40, 40))
    np.testing.assert_allclose(found.image_scores, upsampled(level, (40, 40)).amax((1, 2)), rtol=1e-4)
    assert (found.image_scores > found.anomaly_maps.amax((1, 2))).all()


def test_the_densitys_own_image_scores_are_summed_where_all_levels_give_one(generator):
    own = torch.tensor([1.0, 2.0, 3.0])
    both = [scores(generator, images=own), scores(generator, images=10 * own)]
    assert AnomalyMap().predict(both, (20, 20)).image_scores.tolist() == [11, 22, 33]
    mixed = AnomalyMap().predict([both[0], scores(generator)], (20, 20))
    assert torch.equal(mixed.image_scores, mixed.anomaly_maps.amax((1, 2)))


def test_a_single_position_gives_a_constant_map():
    found = AnomalyMap().predict([Scores(torch.full((1, 1, 1), 7.0))], (16, 16)).anomaly_maps
    np.testing.assert_allclose(found, 7, rtol=1e-6)


def test_a_negative_sigma_is_refused():
    with pytest.raises(BadArgument, match='"sigma" of at least 0, got -1.0'):
        AnomalyMap(sigma=-1.0)
