"""Training and scoring."""

import logging

import pytest
import torch

from padimkit import BadArgument, BadData, BadModel, BadShape, Embedding, NotFitted
from padimkit_vae import Vae


def stripes(count, *, seed, size=32):
    """Stripes of random brightness and phase, with little noise."""
    generator = torch.Generator().manual_seed(seed)
    phase, bright = 0.5 * torch.rand(2, count, 1, 1, 1, generator=generator)
    wave = torch.sin(torch.arange(size) / 2 + 2 * phase)
    noise = 0.02 * torch.randn(count, 3, size, size, generator=generator)
    return (0.4 + 0.2 * wave + 0.2 * bright + noise).clamp(0, 1)


def in_batches(images, size):
    return [Embedding(part) for part in images.split(size)]


def tiny(**arguments):
    settings = {"latent_channels": 4, "width": 4, "epochs": 2, "batch_size": 8, "learning_rate": 1e-2}
    return Vae(**{**settings, **arguments})


def fitted(images, size=5, **arguments):
    vae = tiny(**arguments)
    vae.fit(in_batches(images, size))
    return vae


def losses_in(caplog):
    return [record.args[2] for record in caplog.records if record.name == "padimkit_vae"]


def test_training_lowers_the_loss_and_a_bright_square_scores_higher_than_the_rest(caplog):
    caplog.set_level(logging.INFO)
    vae = fitted(stripes(40, seed=0), epochs=12)
    losses = losses_in(caplog)
    assert len(losses) == 12
    assert losses[-1] < 0.2 * losses[0]
    images = stripes(4, seed=1)
    images[:, :, 10:18, 12:20] = 1.0
    scores = vae.score(Embedding(images)).patches
    square = torch.zeros(32, 32, dtype=torch.bool)
    square[10:18, 12:20] = True
    assert (scores[:, square].mean(1) > 2 * scores[:, ~square].mean(1)).all()


def test_the_score_is_the_distance_of_colours_without_noise():
    vae, images = fitted(stripes(9, seed=0)), stripes(3, seed=1)
    network = vae._network
    posterior, sizes = network.encode(images)
    drawn = network.decode(posterior.mean, sizes)
    expected = torch.linalg.vector_norm(images.double() - drawn.double(), dim=1)
    scores = vae.score(Embedding(images))
    assert scores.images is None
    torch.testing.assert_close(scores.patches.double(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [1, 3, 20, 100])
def test_the_batches_of_the_stream_make_no_difference(size):
    images = stripes(20, seed=0)
    expected = fitted(images, size=5, shuffle_buffer=6).state_dict()
    for name, tensor in fitted(images, size=size, shuffle_buffer=6).state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def test_one_line_of_the_log_per_epoch(caplog):
    caplog.set_level(logging.INFO, logger="padimkit_vae")
    fitted(stripes(9, seed=0), epochs=3)
    first, *_, last = [record.getMessage() for record in caplog.records]
    assert first.startswith("epoch 1 of 3: loss ")
    assert last.startswith("epoch 3 of 3: loss ")
    assert last.endswith(" s")


def test_batch_normalisation_learns_from_each_step():
    state = fitted(stripes(20, seed=0), epochs=3, batch_size=8).state_dict()
    counts = {int(tensor) for name, tensor in state.items() if name.endswith("num_batches_tracked")}
    assert counts == {9}  # of 8, 8 and 4 images
    assert (state["encoder.stem.1.running_mean"] != 0).all()


def test_images_of_another_size_can_be_scored():
    vae = fitted(stripes(9, seed=0))
    assert vae.score(Embedding(stripes(2, seed=1, size=45))).patches.shape == (2, 45, 45)


def test_it_trains_where_gradients_are_off():
    with torch.no_grad():
        fitted(stripes(9, seed=0))


def test_a_fit_that_fails_forgets_nothing():
    images = stripes(9, seed=0)
    vae = fitted(images)
    before = vae.score(Embedding(images)).patches
    with pytest.raises(BadData):
        vae.fit([])
    with pytest.raises(BadArgument, match="diverged"):
        vae.learning_rate = 1e30
        vae.fit(in_batches(images, 5))
    assert torch.equal(vae.score(Embedding(images)).patches, before)


def test_images_of_other_channels_are_refused():
    vae = fitted(stripes(9, seed=0))
    with pytest.raises(BadShape, match="fitted on images of 3 channels, got 2. Use it over the backbone"):
        vae.score(Embedding(torch.rand(1, 2, 32, 32)))


@pytest.mark.parametrize("method", [Vae.state_dict, lambda vae: vae.score(Embedding(torch.rand(1, 3, 8, 8)))])
def test_use_before_fit_is_refused(method):
    with pytest.raises(NotFitted, match="Vae was used before fit."):
        method(tiny())


def test_weights_of_other_arguments_are_refused():
    state = fitted(stripes(9, seed=0)).state_dict()
    for wrong in ({"width": 5}, {"latent_channels": 3}):
        with pytest.raises(BadModel, match='do not fit a Vae of "width" . and "latent_channels" .: '):
            tiny(**wrong).load_state_dict(state)
    with pytest.raises(BadModel, match=r"exit\.weight"):
        tiny().load_state_dict({})


@pytest.mark.parametrize("name", ["latent_channels", "width", "epochs", "shuffle_buffer"])
def test_numbers_below_one_are_refused(name):
    with pytest.raises(BadArgument, match=f'Expected "{name}" of at least 1, got 0.'):
        Vae(**{name: 0})


def test_a_batch_of_one_is_refused():
    with pytest.raises(BadArgument, match='Expected "batch_size" of at least 2, got 1.'):
        Vae(batch_size=1)


@pytest.mark.parametrize("value", [0.0, -1e-4, float("nan"), float("inf")])
def test_learning_rates_that_teach_nothing_are_refused(value):
    with pytest.raises(BadArgument, match=f'Expected "learning_rate" above 0, got {value}.'):
        Vae(learning_rate=value)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_weights_of_the_divergence_below_zero_are_refused(value):
    with pytest.raises(BadArgument, match=f'Expected "kl_weight" of at least 0, got {value}.'):
        Vae(kl_weight=value)


def test_too_few_images_are_refused():
    with pytest.raises(BadData, match="Vae.fit was given no embeddings."):
        tiny().fit([])
    with pytest.raises(BadData, match="Vae.fit needs at least 2 images, found 1."):
        tiny().fit([Embedding(stripes(1, seed=0))])


def test_a_stream_that_can_be_read_only_once_is_refused():
    with pytest.raises(BadData, match="Vae.fit needs at least 2 images, found 0."):
        tiny().fit(iter([Embedding(stripes(9, seed=0))]))


def test_training_that_diverges_is_refused():
    with pytest.raises(BadArgument, match='diverged. Use a "learning_rate" below 1e\\+12.'):
        fitted(stripes(20, seed=0), learning_rate=1e12)
