"""The network, beside torchvision's ResNet18 and the size that the paper prints."""

import pytest
import torch
from torchvision.models import resnet18
from torchvision.models.feature_extraction import create_feature_extractor

from padimkit.testing.program import global_random_state
from padimkit_vae.encoder import Encoder
from padimkit_vae.network import new_network


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def small(**arguments):
    return new_network(**{"channels": 3, "width": 2, "latent_channels": 5, "seed": 0, **arguments})[0]


def test_the_encoder_has_the_parameters_of_resnet18_without_its_classifier():
    assert parameters(Encoder(channels=3, width=64)) == 11_176_512


def test_the_encoder_computes_what_resnet18_computes():
    reference = resnet18(weights=None).eval()
    encoder = Encoder(channels=3, width=64).eval()
    theirs = [value for name, value in reference.state_dict().items() if not name.startswith("fc.")]
    encoder.load_state_dict(dict(zip(encoder.state_dict(), theirs, strict=True)))
    images = torch.rand(2, 3, 75, 64)
    with torch.no_grad():
        expected = create_feature_extractor(reference, ["layer4"])(images)["layer4"]
        torch.testing.assert_close(encoder(images)[0], expected)


def test_the_decoder_mirrors_the_encoder_in_size_and_all_is_as_large_as_the_paper_prints():
    network = small(width=64, latent_channels=64)
    assert parameters(network.decoder) == pytest.approx(parameters(network.encoder), rel=0.01)
    assert 22e6 < parameters(network) < 23e6
    assert round(4 * parameters(network) / 1e9, 2) == 0.09  # PaDiM paper, table VIII


def test_the_latent_of_256_pixels_has_8_by_8_positions():
    posterior, _ = small().encode(torch.rand(1, 3, 256, 256))
    assert posterior.mean.shape == posterior.log_variance.shape == (1, 5, 8, 8)


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 33, 70), (8, 6, 9), (2, 1, 1), (3, 5, 130)])
def test_images_of_any_number_of_channels_and_any_size_come_back_as_large_as_they_were(shape):
    network = small(channels=shape[0])
    posterior, sizes = network.encode(torch.rand(3, *shape))
    assert network.decode(posterior.mean, sizes).shape == (3, *shape)
    assert network.channels == shape[0]


def test_weights_depend_on_the_seed_alone_and_leave_the_shared_generators_alone():
    before = global_random_state()
    first, again, other = small(), small(), small(seed=1)
    assert global_random_state() == before
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])
    assert not torch.equal(first.mean.weight, other.mean.weight)


def test_the_generator_draws_on_and_does_not_draw_the_weights_again():
    states = [new_network(channels=1, width=2, latent_channels=2, seed=3)[1].get_state() for _ in range(2)]
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], torch.Generator().manual_seed(3).get_state())


@pytest.mark.parametrize(("width", "layout"), [(15, torch.contiguous_format), (16, torch.channels_last)])
def test_channels_lie_last_where_they_are_enough(width, layout):
    network = small(width=width)
    images = torch.zeros(2, 3, 32, 64)
    assert network.encode(images)[0].mean.is_contiguous(memory_format=layout)
    assert network.encoder.stages[1][0].conv2.weight.is_contiguous(memory_format=layout)
