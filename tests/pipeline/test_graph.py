"""The graph of a pipeline beside its predictions."""

import numpy as np
import pytest
import torch
from PIL import Image

from padimkit import (
    PCA,
    AnomalyMap,
    FilterBank,
    Gaussian,
    Identity,
    Joint,
    NotFitted,
    Pipeline,
    Preprocessing,
    RandomChannels,
    Separate,
    Spade,
    Tiles,
)

BANK = FilterBank(scales=2, orientations=2)
WHOLE = Preprocessing(None, None)
TILED = Preprocessing(None, None, tiles=Tiles(32, 8))
MAPPED = AnomalyMap(2.0, image_score="before")
PARTS = {
    "channels": (BANK, RandomChannels(5), Gaussian(), Joint(), AnomalyMap(), WHOLE),
    "components": (BANK, PCA(4), Gaussian(), Joint(alignment="bilinear"), AnomalyMap(), WHOLE),
    "low rank": (BANK, Identity(), Gaussian(eps=1.0), Joint(), AnomalyMap(), WHOLE),
    "half": (
        BANK,
        Identity(),
        Gaussian(covariance="ledoit_wolf", precision="float64"),
        Joint(),
        MAPPED,
        WHOLE,
    ),
    "shared": (BANK, Identity(), Gaussian(scope="shared"), Joint(pooling="local"), AnomalyMap(), WHOLE),
    "separate": (BANK, Identity(), Gaussian(), Separate(pooling="global"), AnomalyMap(), WHOLE),
    "tiles": (BANK, RandomChannels(5), Gaussian(), Separate(), AnomalyMap(), TILED),
    "gallery": (BANK, RandomChannels(5), Spade(2, 3, 2), Joint(), AnomalyMap(), WHOLE),
    "aligned": (BANK, Identity(), Spade(2, 3, 1), Joint(alignment="bilinear"), AnomalyMap(), TILED),
}


@pytest.fixture
def images(random):
    return [random.integers(0, 256, (56, 56, 3), dtype=np.uint8) for _ in range(8)]


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_it_gives_what_the_pipeline_predicts(parts, images):
    pipeline = Pipeline(*parts).fit(images[:5], progress=False)
    expected = pipeline.predict(images, progress=False)
    with torch.no_grad():
        scores, maps = pipeline.graph()(torch.from_numpy(np.stack(images)))
    torch.testing.assert_close(scores, expected.image_scores, rtol=1e-4, atol=0)
    torch.testing.assert_close(maps, expected.anomaly_maps, rtol=0, atol=1e-4 * float(maps.max()))


def test_a_region_is_heeded(images, tmp_path):
    mask = np.zeros((56, 56), np.uint8)
    mask[10:30, 20:50] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    seen = Preprocessing(None, None, roi=tmp_path / "mask.png")
    pipeline = Pipeline(BANK, RandomChannels(5), Gaussian(), preprocessing=seen).fit(images, progress=False)
    scores, maps = pipeline.graph()(torch.from_numpy(np.stack(images)))
    expected = pipeline.predict(images, progress=False)
    torch.testing.assert_close(scores, expected.image_scores, rtol=1e-4, atol=0)
    assert (maps[:, mask == 0] == 0).all()


def test_a_pipeline_that_is_not_fitted_has_none():
    with pytest.raises(NotFitted):
        Pipeline(BANK, Identity(), Gaussian()).graph()
