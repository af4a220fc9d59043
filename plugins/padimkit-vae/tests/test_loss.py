"""The evidence lower bound beside numpy in float64."""

import numpy as np
import pytest
import torch

from padimkit_vae.network import new_network
from padimkit_vae.posterior import Posterior
from padimkit_vae.training import Training, losses


def test_the_divergence_is_that_of_a_gaussian_from_the_standard_normal(generator):
    mean = torch.randn(4, 3, 2, 5, generator=generator)
    log_variance = 2 * torch.randn(4, 3, 2, 5, generator=generator)
    m, variance = mean.double().numpy(), np.exp(log_variance.double().numpy())
    expected = 0.5 * (m**2 + variance - 1 - np.log(variance)).sum((1, 2, 3))
    np.testing.assert_allclose(Posterior(mean, log_variance).divergence().numpy(), expected, rtol=1e-5)


def test_the_divergence_of_the_standard_normal_is_zero():
    nothing = torch.zeros(1, 2, 3, 3)
    assert Posterior(nothing, nothing).divergence().item() == 0


@pytest.mark.parametrize("kl_weight", [0.0, 1.0, 2.5])
def test_the_loss_is_squared_error_plus_weighted_divergence_by_value(generator, kl_weight):
    images, drawn = torch.rand(2, 3, 3, 6, 7, generator=generator)
    divergences = torch.rand(3, generator=generator)
    x, y = images.double().numpy(), drawn.double().numpy()
    expected = (((x - y) ** 2).sum((1, 2, 3)) + kl_weight * divergences.double().numpy()) / (3 * 6 * 7)
    found = losses(images, drawn, divergences, kl_weight=kl_weight)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


def test_the_loss_of_an_epoch_is_the_mean_over_images(monkeypatch):
    network, generator = new_network(channels=1, width=1, latent_channels=1, seed=0)
    training = Training(network, generator, learning_rate=0.1, kl_weight=1.0)
    monkeypatch.setattr(training, "_step", lambda batch: float(batch.mean()))
    loss = training.epoch([torch.full((2, 1, 4, 4), 1.0), torch.full((4, 1, 4, 4), 7.0)])
    assert loss == 5.0
    assert (training.epochs, training.images) == (1, 6)


def test_samples_have_mean_and_variance_of_the_posterior():
    mean, log_variance = torch.tensor([1.0, -2.0]), torch.tensor([0.0, -3.0])
    size = (1, 2, 200, 200)
    posterior = Posterior(
        mean[None, :, None, None].expand(size), log_variance[None, :, None, None].expand(size)
    )
    sample = posterior.sample(torch.Generator().manual_seed(0))
    torch.testing.assert_close(sample.mean((0, 2, 3)), mean, atol=0.02, rtol=0)
    torch.testing.assert_close(sample.var((0, 2, 3)), log_variance.exp(), atol=0.02, rtol=0)
