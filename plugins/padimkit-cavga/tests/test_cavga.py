"""Scores, weights from a file, states and refusals."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from padimkit import BadArgument, BadData, BadModel, BadShape, BadWeights, Embedding, NotFitted
from padimkit_cavga import Cavga
from padimkit_cavga.encoder import Encoder

IMAGES = torch.rand(5, 3, 16, 20, generator=torch.Generator().manual_seed(0))


def fitted(images=IMAGES, **arguments):
    settings = {"latent_channels": 2, "width": 2, "stages": 1, "epochs": 1, "learning_rate": 1e-2}
    density = Cavga(**{**settings, **arguments})
    density.fit([Embedding(images)])
    return density


def test_channels_are_standardised_by_those_of_the_training_images():
    images = IMAGES.clone()
    images[:, 2] = 0.25  # a constant channel stays as it is
    network, values = fitted(images)._network, images.double().numpy()
    np.testing.assert_allclose(network.shift, values.mean((0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(network.scale[:2], values[:, :2].std((0, 2, 3)), rtol=1e-5)
    assert network.scale[2] == 1


@torch.no_grad()
def test_scores_are_what_attention_leaves_out_and_the_error_of_the_mean_reconstruction():
    density = fitted()
    network, scores = density._network, density.score(Embedding(IMAGES))
    seen = (IMAGES - network.shift[:, None, None]) / network.scale[:, None, None]
    maps = network.encoder(seen)
    weights = network.mean.weight[:, :, 0, 0].sum(0)
    left_out = 1 - torch.einsum("c,bchw->bhw", weights, maps).sigmoid()
    expected = F.interpolate(left_out[:, None], (16, 20), mode="bilinear")[:, 0]
    torch.testing.assert_close(scores.patches, expected)
    drawn = network.decoder(network.mean(maps), (16, 20))
    torch.testing.assert_close(scores.images, ((seen - drawn) ** 2).mean((1, 2, 3)))
    assert not scores.patches.requires_grad and not scores.images.requires_grad


def test_images_of_another_size_can_be_scored_and_of_other_channels_not():
    assert fitted().score(Embedding(torch.rand(2, 3, 30, 9))).patches.shape == (2, 30, 9)
    with pytest.raises(BadShape, match="fitted on images of 3 channels, got 2. Use it over the backbone"):
        fitted().score(Embedding(torch.rand(1, 2, 16, 20)))


@pytest.fixture
def weights(tmp_path):
    encoder = Encoder(channels=3, width=2, stages=2)
    with torch.no_grad():
        encoder.conv1.weight.fill_(0.125)
    path = tmp_path / "weights.safetensors"
    save_file(encoder.state_dict(), path)
    return path


def test_training_begins_with_weights_of_a_file_that_may_hold_more(weights):
    density = fitted(weights=weights, learning_rate=1e-12)
    torch.testing.assert_close(density._network.encoder.conv1.weight, torch.full((2, 3, 7, 7), 0.125))


def test_weights_that_do_not_fit_are_refused(weights, tmp_path):
    with pytest.raises(
        BadWeights, match='lacks "layer3.0.conv1.weight" of a ResNet18. Use a file of all stages'
    ):
        fitted(weights=weights, stages=3)
    with pytest.raises(BadWeights, match=r'"conv1.weight" of shape \(2, 3, 7, 7\); expected \(3, 3, 7, 7\)'):
        fitted(weights=weights, width=3)
    with pytest.raises(BadWeights, match="cannot be read as safetensors"):
        fitted(weights=tmp_path / "none")
    (tmp_path / "wrong").write_bytes(b"pickle")
    with pytest.raises(BadWeights, match="cannot be read as safetensors"):
        fitted(weights=tmp_path / "wrong")
    encoder = Encoder(channels=3, width=2, stages=1)
    save_file(encoder.state_dict() | {"bn1.bias": torch.full((2,), float("nan"))}, weights)
    with pytest.raises(BadWeights, match='"bn1.bias" with NaN'):
        fitted(weights=weights)


def test_use_before_fit_is_refused():
    for use in (Cavga().state_dict, lambda: Cavga().score(Embedding(IMAGES))):
        with pytest.raises(NotFitted, match="Cavga was used before fit."):
            use()


def test_too_few_images_or_several_shapes_are_refused():
    with pytest.raises(BadData, match="Cavga.fit needs at least 2 images, found 1."):
        fitted(IMAGES[:1])
    with pytest.raises(BadShape, match=r"got \(3, 16, 20\) and \(3, 16, 19\). Resize and crop them alike."):
        fitted().fit([Embedding(IMAGES), Embedding(IMAGES[..., :19])])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stages": 5}, 'Expected "stages" of at most 4, got 5.'),
        ({"batch_size": 1}, 'Expected "batch_size" of at least 2, got 1.'),
        ({"learning_rate": 0.0}, 'Expected "learning_rate" above 0, got 0.0.'),
        ({"attention_weight": -1.0}, '"attention_weight"'),
        ({"adversarial_weight": float("nan")}, '"adversarial_weight"'),
        ({"memory_budget": -1.0}, '"memory_budget"'),
        ({"seed": -1}, '"seed"'),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(BadArgument, match=message):
        Cavga(**arguments)


def test_states_of_other_arguments_are_refused():
    state = fitted().state_dict()
    for wrong in ({"width": 3}, {"latent_channels": 3}, {"stages": 2}):
        with pytest.raises(BadModel, match="The state of Cavga"):
            Cavga(**{"width": 2, "latent_channels": 2, "stages": 1, **wrong}).load_state_dict(state)
    with pytest.raises(BadModel, match="lacks"):
        fitted().load_state_dict({})
