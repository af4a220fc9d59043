"""The losses beside numpy, and trainings that learn and that are interrupted."""

import logging

import numpy as np
import pytest
import torch

from padimkit import BadArgument, BadData, Embedding
from padimkit_patch_svdd import PatchSvdd
from padimkit_patch_svdd.training import Training, new_networks, position_loss, svdd_loss

IMAGES = torch.rand(5, 3, 20, 24, generator=torch.Generator().manual_seed(0))


def tiny(path=None, **arguments):
    settings = {"patch": 8, "stride": 4, "dimension": 4, "width": 2, "epochs": 3, "patches_per_image": 4}
    return PatchSvdd(**{**settings, "batch_size": 7, "learning_rate": 1e-2, **arguments}, checkpoint=path)


def fitted(**arguments):
    density = tiny(**arguments)
    density.fit([Embedding(IMAGES[:2]), Embedding(IMAGES[2:])])
    return density


def test_close_patches_cost_their_mean_distance(generator):
    a, b = torch.randn(2, 6, 4, generator=generator)
    expected = np.sqrt(((a.double().numpy() - b.double().numpy()) ** 2).sum(1)).mean()
    assert svdd_loss(a, b).item() == pytest.approx(expected, rel=1e-5)


def test_identical_patches_have_a_gradient():
    same = torch.ones(2, 3, requires_grad=True)
    svdd_loss(same, same.detach().clone()).backward()
    assert torch.isfinite(same.grad).all()


def test_directions_cost_the_cross_entropy_of_the_classifier_of_differences(generator):
    classifier = new_networks(channels=1, patch=8, width=1, dimension=4, seed=0)[0].small
    a, b = torch.randn(2, 6, 4, generator=generator)
    direction = torch.randint(8, (6,), generator=generator)
    hidden = (a - b).double().numpy()
    for index in (0, 2, 4):
        layer = classifier[index]
        hidden = hidden @ layer.weight.detach().double().numpy().T + layer.bias.detach().double().numpy()
        hidden = hidden if index == 4 else np.where(hidden > 0, hidden, 0.1 * hidden)
    logs = hidden - np.log(np.exp(hidden).sum(1, keepdims=True))
    expected = -logs[np.arange(6), direction.numpy()].mean()
    assert position_loss(classifier, a, b, direction).item() == pytest.approx(expected, rel=1e-5)


def test_the_loss_sums_both_sizes_and_weighs_close_patches():
    def loss(weight):
        networks, generator = new_networks(channels=3, patch=8, width=2, dimension=4, seed=0)
        training = Training(networks, generator, list(IMAGES), learning_rate=1e-3, svdd_weight=weight)
        generator.manual_seed(1)
        return training._loss([0, 1, 2, 3, 4] * 20).item()

    without, one, two = loss(0.0), loss(1.0), loss(2.0)
    assert without == pytest.approx(2 * np.log(8), rel=0.05)  # two classifiers that know nothing yet
    assert two - one == pytest.approx(one - without, rel=1e-3) and one > without


def test_training_learns_where_neighbours_lie(caplog):
    caplog.set_level(logging.INFO, logger="padimkit_patch_svdd")
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 20), torch.linspace(-1, 1, 24), indexing="ij")
    slopes = torch.stack([rows, columns])  # after the mean is removed, of random height
    images = slopes * torch.linspace(0.6, 1.4, 8)[:, None, None, None]
    tiny(epochs=12, patches_per_image=25, batch_size=100, width=4).fit([Embedding(images)])
    losses = [record.args[2] for record in caplog.records]
    assert losses[-1] < 0.9 * losses[0]
    assert caplog.records[0].getMessage().startswith("epoch 1 of 12: loss ")


def test_every_image_gives_as_many_patches(monkeypatch):
    networks, generator = new_networks(channels=3, patch=8, width=2, dimension=4, seed=0)
    training = Training(networks, generator, list(IMAGES), learning_rate=1e-3, svdd_weight=1.0)
    seen = []
    monkeypatch.setattr(training, "_step", lambda numbers: seen.append(numbers) or float(len(numbers)))
    loss = training.epoch(patches_per_image=4, batch_size=7)
    assert [len(numbers) for numbers in seen] == [7, 7, 6]
    drawn = [number for numbers in seen for number in numbers]
    assert sorted(drawn) == sorted([0, 1, 2, 3, 4] * 4) != drawn
    assert loss == pytest.approx((49 + 49 + 36) / 20) and training.epochs == 1


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
    assert path.exists()
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
    with pytest.raises(BadData, match="on other images: mean image"):
        tiny(path).fit([Embedding(IMAGES.flip(3))])


def test_training_that_diverges_is_refused_and_forgets_nothing():
    density = fitted()
    before = density.score(Embedding(IMAGES)).patches
    density.svdd_weight = float("inf")
    with pytest.raises(BadArgument, match='diverged. Use a "learning_rate" below 0.01.'):
        density.fit([Embedding(IMAGES)])
    density.svdd_weight = 1e-3
    assert torch.equal(density.score(Embedding(IMAGES)).patches, before)


def test_images_beyond_the_budget_lie_in_files_and_give_the_same():
    expected = fitted().state_dict()
    for name, tensor in fitted(memory_budget=1e-9).state_dict().items():
        assert torch.equal(tensor, expected[name])


def test_batches_of_the_stream_make_no_difference():
    expected, density = fitted().state_dict(), tiny()
    density.fit([Embedding(image[None]) for image in IMAGES])
    for name, tensor in density.state_dict().items():
        assert torch.equal(tensor, expected[name])
