"""The default recipe with the weights that come with pip, against a plain float64 program."""

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from padimkit import load_recipe
from padimkit.weights import find_weights

LAYERS = ("blocks.1", "blocks.2", "blocks.4")
SIDE = 64


@pytest.fixture(scope="module")
def pictures(common_seed):
    """Pictures of stripes, of which the last has a bright square."""
    random = np.random.default_rng(common_seed)
    stripes = 128 + 60 * np.sin(np.arange(SIDE) / 3)[:, None, None] + random.normal(0, 20, (9, SIDE, SIDE, 3))
    stripes[-1, 20:28, 30:38] = 250
    return [Image.fromarray(picture.clip(0, 255).astype(np.uint8)) for picture in stripes]


@pytest.fixture(scope="module")
def embeddings(pictures):
    """What the whole network of timm gives, in float64, layers repeated to the finest: "n h w c"."""
    weights = find_weights("tf_efficientnet_lite0")
    network = timm.create_model("tf_efficientnet_lite0").double().eval()
    network.load_state_dict(weights.renamed(torch.load(weights.path(), weights_only=True)))
    maps = []
    for layer in LAYERS:
        network.get_submodule(layer).register_forward_hook(lambda module, inputs, output: maps.append(output))
    images = torch.from_numpy(np.stack(pictures) / 255).permute(0, 3, 1, 2)
    with torch.no_grad():
        network((images - 0.5) / 0.5)
    finest = maps[0].shape[-1]
    layers = [np.kron(found.numpy(), np.ones((finest // found.shape[-1],) * 2)) for found in maps]
    return np.concatenate(layers, axis=1).transpose(0, 2, 3, 1)


def expected_map(embeddings):
    """The anomaly map of the last image, of Gaussians over all others (PaDiM paper, III-B to III-D)."""
    normal, query = embeddings[:-1], embeddings[-1]
    scores = np.empty(query.shape[:2])
    for row, column in np.ndindex(scores.shape):
        vectors = normal[:, row, column]
        covariance = np.cov(vectors, rowvar=False) + 0.01 * np.eye(vectors.shape[1])
        offset = query[row, column] - vectors.mean(0)
        scores[row, column] = np.sqrt(offset @ np.linalg.solve(covariance, offset))
    grown = torch.nn.functional.interpolate(
        torch.from_numpy(scores)[None, None], (SIDE, SIDE), mode="bicubic"
    )
    return gaussian_filter(grown[0, 0].numpy(), 4.0)


def test_the_default_recipe_is_padim_over_trained_features(pictures, embeddings):
    pipeline = load_recipe()
    pipeline.preprocessing = type(pipeline.preprocessing)(SIDE, SIDE)
    pipeline.fit(pictures[:-1])
    (image,) = pipeline.predict(pictures[-1])
    expected = expected_map(embeddings)
    np.testing.assert_allclose(image.anomaly_map.numpy(), expected, rtol=1e-3)
    assert image.score == pytest.approx(expected.max(), rel=1e-3)
    top, left = np.unravel_index(expected.argmax(), expected.shape)
    assert 16 < top < 32 and 26 < left < 42
