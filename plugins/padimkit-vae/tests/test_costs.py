"""Costs that the autoencoder states, beside those that torch counts and the bytes that are there."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from padimkit import Embedding, Problem
from padimkit.memory import held_by
from padimkit_vae import Vae
from padimkit_vae.network import new_network
from padimkit_vae.training import Training

SIZES = {"width": 4, "latent_channels": 3}


@pytest.mark.parametrize("channels", [3, 5])
def test_operations_are_those_that_torch_counts(channels, generator):
    images = torch.rand(2, channels, 32, 64, generator=generator)
    network, noise = new_network(channels=channels, seed=0, **SIZES)
    training = Training(network, noise, learning_rate=0.01, kl_weight=1.0)
    with FlopCounterMode(display=False) as counter:
        training.epoch([images])
    stated = Vae(epochs=1, batch_size=2, **SIZES).costs(Problem(2, channels, 32 * 64))
    weights = sum(parameter.numel() for parameter in network.parameters())
    assert stated.fit.single == counter.get_total_flops() + 12 * weights
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        posterior, sizes = network.encode(images[:1])
        network.decode(posterior.mean, sizes)
    assert stated.use.single == counter.get_total_flops()


def test_bytes_held_and_stored_are_those_that_are_there(generator):
    density = Vae(epochs=2, batch_size=2, learning_rate=0.01, **SIZES)
    stated = density.costs(Problem(3, 3, 32 * 32))
    images = torch.rand(3, 3, 32, 32, generator=generator)
    density.fit([Embedding(images)])
    density.score(Embedding(images[:1]))
    assert stated.stored == sum(tensor.nbytes for tensor in density.state_dict().values())
    assert stated.held == held_by(density)
    assert all(parameter.grad is None for parameter in density._network.parameters())


def test_training_grows_with_images_and_epochs_and_no_other_cost_does():
    few, many = (Vae(epochs=5).costs(Problem(count, 3, 64 * 64)) for count in (32, 320))
    assert many.fit.single == 10 * few.fit.single
    assert many.use == few.use and many.held == few.held
    assert Vae(epochs=10).costs(Problem(32, 3, 64 * 64)).fit.single == 2 * few.fit.single
