import torch

from padimkit.backbones.pixels import Pixels


def test_the_image_is_the_only_layer(generator):
    images = torch.rand(2, 3, 6, 5, generator=generator)
    features = Pixels().extract(images)
    assert list(features.maps) == ["pixels"]
    assert torch.equal(features.maps["pixels"], images)
    assert features.descriptor is None
