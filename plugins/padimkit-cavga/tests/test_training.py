"""The losses beside numpy, their gradients, and trainings that learn and that are interrupted."""

import logging

import numpy as np
import pytest
import torch

from padimkit import BadArgument, BadData, Embedding
from padimkit_cavga import Cavga
from padimkit_cavga.network import Encoded, attention, fresh
from padimkit_cavga.training import Training, Weights, deception, discrimination, evidence, expansion

IMAGES = torch.rand(7, 3, 16, 12, generator=torch.Generator().manual_seed(0))


def tiny(path=None, **arguments):
    settings = {"latent_channels": 2, "width": 2, "stages": 1, "epochs": 3, "batch_size": 3}
    return Cavga(**{**settings, "learning_rate": 1e-2, **arguments}, checkpoint=path)


def fitted(images=IMAGES, **arguments):
    density = tiny(**arguments)
    density.fit([Embedding(images[:2]), Embedding(images[2:])])
    return density


def networks(**arguments):
    return fresh(**{"channels": 3, "width": 2, "stages": 1, "latent_channels": 2, "seed": 0, **arguments})


def training(**weights):
    given = {"reconstruction": 1.0, "adversarial": 1.0, "attention": 1.0, **weights}
    return Training(networks(), list(IMAGES), learning_rate=1e-2, weights=Weights(**given))


def test_evidence_is_squared_error_plus_divergence_by_value(generator):
    images, drawn = torch.rand(2, 3, 3, 6, 7, generator=generator)
    mean, log_variance = torch.randn(2, 3, 2, 2, 2, generator=generator)
    x, y, m, v = (tensor.double().numpy() for tensor in (images, drawn, mean, log_variance.exp()))
    divergence = 0.5 * (m**2 + v - 1 - np.log(v)).sum((1, 2, 3)).mean()
    expected = ((x - y) ** 2).mean() + divergence / (3 * 6 * 7)
    assert evidence(images, drawn, Encoded(mean, mean, log_variance)).item() == pytest.approx(
        expected, rel=1e-5
    )


def test_adversaries_have_the_cross_entropies_of_each_others_labels(generator):
    real, drawn = torch.randn(2, 5, generator=generator)
    p, q = (1 / (1 + np.exp(-logits.double().numpy())) for logits in (real, drawn))
    expected = -np.log(p).mean() - np.log(1 - q).mean()
    assert discrimination(real, drawn).item() == pytest.approx(expected, rel=1e-5)
    assert deception(drawn).item() == pytest.approx(-np.log(q).mean(), rel=1e-5)


def test_expansion_is_what_attention_leaves_out(generator):
    found = torch.rand(2, 3, 4, generator=generator)
    assert expansion(found).item() == pytest.approx(float((1 - found.double().numpy()).mean()), rel=1e-6)


def test_the_gradient_of_expansion_is_that_of_finite_differences(generator):
    network = networks().network.double().eval()
    images = torch.randn(2, 3, 16, 16, generator=generator, dtype=torch.float64)

    def loss():
        return expansion(attention(network.encode(images), create_graph=True))

    for parameter in (network.mean.weight, network.encoder.layer1[1].conv2.weight):
        (slope,) = torch.autograd.grad(loss(), parameter)
        direction = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        with torch.no_grad():
            values = []
            for step in (1e-6, -2e-6):
                parameter.add_(step * direction)
                with torch.enable_grad():
                    values.append(loss().item())
            parameter.add_(1e-6 * direction)
        expected = (values[0] - values[1]) / 2e-6
        assert (slope * direction).sum().item() == pytest.approx(expected, rel=1e-4)


def test_the_loss_is_the_weighted_sum_of_its_parts():
    def loss(**weights):
        one = training(**weights)
        return one._step(IMAGES)

    none = {"reconstruction": 0.0, "adversarial": 0.0, "attention": 0.0}
    parts = [loss(**(none | {name: weight})) for name, weight in zip(none, (2.0, 3.0, 5.0), strict=True)]
    assert all(part > 0 for part in parts)
    assert loss(reconstruction=2.0, adversarial=3.0, attention=5.0) == pytest.approx(sum(parts), rel=1e-5)


def test_training_draws_images_and_widens_attention(caplog):
    caplog.set_level(logging.INFO, logger="padimkit_cavga")
    density = fitted(epochs=25, attention_weight=1.0)
    losses = [record.args[2] for record in caplog.records]
    assert losses[-1] < 0.8 * losses[0]
    before = tiny(epochs=1, attention_weight=0.0, learning_rate=1e-9)
    before.fit([Embedding(IMAGES)])
    scores, first = (one.score(Embedding(IMAGES)) for one in (density, before))
    assert scores.patches.mean() < 0.5 * first.patches.mean()
    assert scores.images.mean() < first.images.mean()


def test_a_single_image_left_over_joins_the_batch_before_it(monkeypatch):
    one, seen = training(), []
    monkeypatch.setattr(one, "_step", lambda images: seen.append(len(images)) or float(len(images)))
    assert one.epoch(batch_size=3) == pytest.approx((9 + 16) / 7)
    assert seen == [3, 4] and one.epochs == 1


def test_an_interrupted_training_ends_with_the_same_weights_bit_for_bit(tmp_path, monkeypatch):
    whole, path = fitted().state_dict(), tmp_path / "training"
    original, calls = Training.epoch, []

    def broken(self, **arguments):
        calls.append(self.epochs)
        if len(calls) == 3:
            raise InterruptedError
        return original(self, **arguments)

    monkeypatch.setattr(Training, "epoch", broken)
    with pytest.raises(InterruptedError):
        fitted(path=path)
    resumed = fitted(path=path)
    assert calls == [0, 1, 2, 2] and not path.exists()
    for name, tensor in resumed.state_dict().items():
        assert torch.equal(tensor, whole[name]), name


def test_a_checkpoint_of_other_arguments_or_images_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "training"
    with monkeypatch.context() as patch, pytest.raises(InterruptedError):
        patch.setattr(Training, "epoch", lambda self, **_: (_ for _ in ()).throw(InterruptedError))
        fitted(path=path)
    with pytest.raises(BadArgument, match="with seed 0 instead of 1"):
        fitted(path=path, seed=1)
    with pytest.raises(BadData, match="on other images: content"):
        fitted(IMAGES.flip(3), path=path)


def test_training_that_diverges_is_refused_and_forgets_nothing():
    density = fitted()
    before = density.score(Embedding(IMAGES)).patches
    density.reconstruction_weight = float("inf")
    with pytest.raises(BadArgument, match='diverged. Use a "learning_rate" below 0.01.'):
        density.fit([Embedding(IMAGES)])
    assert torch.equal(density.score(Embedding(IMAGES)).patches, before)


def test_batches_of_the_stream_and_files_in_place_of_memory_make_no_difference():
    expected, density = fitted().state_dict(), tiny(memory_budget=1e-9)
    density.fit([Embedding(image[None]) for image in IMAGES])
    for name, tensor in density.state_dict().items():
        assert torch.equal(tensor, expected[name])


def test_nothing_of_training_is_kept_in_the_parameters():
    parameters = list(fitted()._network.parameters())
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in parameters)
