"""The networks beside torchvision's ResNet18, and attention beside a formula and finite differences."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import resnet18
from torchvision.models.feature_extraction import create_feature_extractor

from padimkit.testing.program import global_random_state
from padimkit_cavga.decoder import Discriminator
from padimkit_cavga.encoder import Encoder
from padimkit_cavga.network import Encoded, attention, fresh, left_out


def small(**arguments):
    return fresh(
        **{"channels": 3, "width": 2, "stages": 2, "latent_channels": 3, "seed": 0, **arguments}
    ).network.eval()


@torch.no_grad()
@pytest.mark.parametrize("stages", [2, 4])
def test_the_encoder_computes_what_resnet18_computes_and_has_its_names(stages):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reference = resnet18(weights=None).eval()
    encoder, known = Encoder(channels=3, width=64, stages=stages).eval(), reference.state_dict()
    encoder.load_state_dict({name: known[name] for name in encoder.state_dict()})
    images = torch.rand(1, 3, 75, 64, generator=torch.Generator().manual_seed(0))
    expected = create_feature_extractor(reference, [f"layer{stages}"])(images)[f"layer{stages}"]
    torch.testing.assert_close(encoder(images), expected)
    assert expected.shape[1] == encoder.width


@torch.no_grad()
@pytest.mark.parametrize("size", [(32, 48), (33, 70), (9, 6), (1, 1)])
@pytest.mark.parametrize("stages", [1, 4])
def test_images_of_any_size_come_back_as_large_as_they_were(size, stages):
    network = small(stages=stages)
    encoded = network.encode(torch.rand(2, 3, *size))
    assert network.decoder(encoded.mean, size).shape == (2, 3, *size)
    assert Discriminator(channels=3, width=2).eval()(torch.rand(2, 3, *size)).shape == (2,)


def test_attention_is_the_sigmoid_of_channels_weighed_by_their_mean_gradients(generator):
    network, images = small(), torch.randn(2, 3, 32, 40, generator=generator)
    encoded = network.encode(images)
    found = attention(encoded, create_graph=False)
    # The latent maps are a convolution of 1 x 1: each gradient of their sum is a sum of its weights.
    weights = network.mean.weight.detach().double().numpy()[:, :, 0, 0].sum(0)
    maps = encoded.maps.detach().double().numpy()
    expected = 1 / (1 + np.exp(-np.einsum("c,bchw->bhw", weights, maps)))
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-5)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_what_is_left_out_is_told_apart_where_attention_is_all_but_1():
    maps = torch.tensor([[-1.0, 20.0, 30.0, 60.0]])[:, None, None].requires_grad_()
    encoded = Encoded(maps, 1.0 * maps, maps)  # whose gradient is 1
    found = left_out(encoded).detach().double()
    torch.testing.assert_close(found, 1 / (1 + maps.detach()[:, 0].double().exp()), rtol=1e-5, atol=0.0)


def test_attention_of_a_deeper_read_out_has_the_gradients_of_finite_differences(generator):
    read = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 2, 1)).double()
    with torch.no_grad():
        for parameter in read.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    maps = torch.randn(2, 3, 3, 4, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        steps = torch.eye(maps.numel(), dtype=torch.float64).reshape(-1, *maps.shape) * 1e-6
        slopes = torch.stack([(read(maps + step).sum() - read(maps - step).sum()) / 2e-6 for step in steps])
    weights = slopes.reshape(maps.shape).mean((2, 3), keepdim=True)
    expected = 1 / (1 + torch.exp(-(weights * maps).sum(1)))
    given = maps.requires_grad_()
    mean = read(given)
    found = attention(Encoded(given, mean, mean), create_graph=False)
    torch.testing.assert_close(found, expected.detach(), rtol=1e-6, atol=1e-8)


def test_weights_depend_on_the_seed_alone_and_leave_the_shared_generators_alone():
    before = global_random_state()
    first, again, other = small(), small(), small(seed=1)
    assert global_random_state() == before
    assert torch.equal(first.mean.weight, again.mean.weight)
    assert not torch.equal(first.mean.weight, other.mean.weight)
