"""The published methods by their recipes, against what other libraries make of the same features."""

import numpy as np
import pytest
import timm
import torch
from jaxtyping import Float
from sklearn.covariance import LedoitWolf
from torch import Tensor

from padimkit import Pipeline, Timm, load_recipe
from padimkit.values import Batch

NINE_LEVELS = [48, 24, 32, 56, 112, 160, 272, 448, 1792]  # METHODS, and the sum of 2,944


@pytest.fixture
def generator() -> torch.Generator:
    """The same in each run: networks of this size, whose weights are fixed too, take seconds."""
    return torch.Generator().manual_seed(0)


def with_random_weights(recipe: str) -> Pipeline:
    """The recipe's pipeline over a backbone that needs no file."""
    pipeline = load_recipe(recipe)
    published = pipeline.backbone
    assert isinstance(published, Timm)
    pipeline.backbone = Timm(published.model, published.layers, "none", published.descriptor)
    return pipeline


def pictures(generator: torch.Generator, count: int, size: int) -> Batch:
    images = torch.rand(count, 3, size, size, generator=generator)
    return Batch(images, tuple(f"picture {index}" for index in range(count)))


def pooled_levels(pipeline: Pipeline, images: Float[Tensor, "b 3 H W"]) -> list[np.ndarray]:
    maps = pipeline.backbone.extract(images).maps
    ordered = [maps[layer] for layer in pipeline.backbone.layers]
    return [level.mean((2, 3)).double().numpy() for level in ordered]


def test_mahalanobis_ad_is_the_sum_of_nine_distances_of_scikit_learn(generator):
    mahalanobis = with_random_weights("mahalanobis-ad")
    train, test = pictures(generator, 14, 64), pictures(generator, 3, 64)
    mahalanobis.fit([train])
    levels = list(
        zip(pooled_levels(mahalanobis, train.images), pooled_levels(mahalanobis, test.images), strict=True)
    )
    assert [known.shape[1] for known, _ in levels] == NINE_LEVELS
    expected = sum(np.sqrt(LedoitWolf().fit(known).mahalanobis(asked)) for known, asked in levels)
    np.testing.assert_allclose(mahalanobis.predict_batch(test).image_scores, expected, rtol=1e-6)


def test_npca_keeps_the_components_of_lowest_variance_of_each_level(generator):
    train, test = pictures(generator, 80, 32), pictures(generator, 3, 32)
    pipeline = with_random_weights("mahalanobis-ad-npca")
    few = Timm(pipeline.backbone.model, pipeline.backbone.layers[:3], "none")  # fewer channels than images
    pipeline.backbone = few
    pipeline.fit([train])
    expected = np.zeros(3)
    for known, asked in zip(
        pooled_levels(pipeline, train.images), pooled_levels(pipeline, test.images), strict=True
    ):
        variances, vectors = np.linalg.eigh(np.cov(known.T))
        crossing = (variances[::-1].cumsum() > 0.99 * variances.sum()).argmax()  # counted from the highest
        lowest = vectors[:, ::-1][:, crossing - 1 :]
        assert 1 < lowest.shape[1] < known.shape[1]
        fitted = LedoitWolf().fit((known - known.mean(0)) @ lowest)
        expected += np.sqrt(fitted.mahalanobis((asked - known.mean(0)) @ lowest))
    np.testing.assert_allclose(pipeline.predict_batch(test).image_scores, expected, rtol=1e-3)


def test_padim_efficientnet_b5_reads_344_channels_at_the_ends_of_stages_2_4_and_5():
    pipeline = with_random_weights("padim-efficientnet-b5")
    features = pipeline.backbone.extract(torch.rand(1, 3, 64, 64))
    assert [tuple(maps.shape[1:]) for maps in features.maps.values()] == [
        (40, 16, 16),
        (128, 4, 4),
        (176, 4, 4),
    ]
    network = timm.create_model("tf_efficientnet_b5", pretrained=False)
    assert [len(stage) for stage in network.blocks] == [3, 5, 5, 7, 7, 9, 3]  # blocks 7, 19 and 26 end them


def test_padim_efficientnet_b5_can_read_the_blocks_that_the_paper_numbers():
    """Blocks 7, 20 and 26 of all, counted from 0 through the stages."""
    with torch.device("meta"):
        network = timm.create_model("tf_efficientnet_b5", pretrained=False)
    names = [
        f"blocks.{stage}.{block}"
        for stage, blocks in enumerate(network.blocks)
        for block in range(len(blocks))
    ]
    pipeline = load_recipe("padim-efficientnet-b5-blocks")
    assert pipeline.backbone.layers == [names[number] for number in (7, 20, 26)]
    channels = [network.get_submodule(name).bn3.num_features for name in pipeline.backbone.layers]
    assert channels == [40, 176, 176] and sum(channels) == 392
