import numpy as np
import pytest
import torch

from padimkit.errors import BadArgument, BadData, NotFitted
from padimkit.reducers.random_channels import RandomChannels
from padimkit.values import Embedding


def embedding(generator, channels=20):
    return Embedding(torch.randn(2, channels, 3, 3, generator=generator), torch.ones(2, 4))


def fitted(stream, **arguments):
    reducer = RandomChannels(**arguments)
    reducer.fit(stream)
    return reducer


def test_it_keeps_distinct_channels_in_order_at_every_position(generator):
    before = embedding(generator)
    reducer = fitted([before], keep=7)
    after = reducer.transform(before)
    channels = reducer.state_dict()["channels"].tolist()
    assert len(set(channels)) == 7
    assert channels == sorted(channels)
    assert torch.equal(after.patches, before.patches[:, channels])
    assert after.descriptor is before.descriptor


def test_the_seed_fixes_the_choice(generator):
    stream = [embedding(generator)]
    choices = [fitted(stream, keep=7, seed=seed).state_dict()["channels"].tolist() for seed in (3, 3, 4)]
    assert choices[0] == choices[1]
    assert choices[0] != choices[2]


def test_over_many_seeds_every_channel_is_chosen_about_equally(generator):
    stream = [embedding(generator)]
    counts = torch.zeros(20)
    for seed in range(400):
        counts[fitted(stream, keep=5, seed=seed).state_dict()["channels"]] += 1
    assert counts.min() > 60  # 100 expected, standard deviation 8.7
    assert counts.max() < 140


def test_global_random_state_is_left_alone(generator):
    states = torch.random.get_rng_state(), np.random.get_state()[1].tolist()
    fitted([embedding(generator)], keep=3)
    assert torch.equal(states[0], torch.random.get_rng_state())
    assert states[1] == np.random.get_state()[1].tolist()


def test_all_channels_can_be_kept(generator):
    before = embedding(generator)
    assert torch.equal(fitted([before], keep=20).transform(before).patches, before.patches)


@pytest.mark.parametrize("keep", [0, -3, 21])
def test_keep_out_of_range_is_refused(generator, keep):
    with pytest.raises(BadArgument, match=f'"keep" from 1 to the 20 channels .*, got {keep}'):
        fitted([embedding(generator)], keep=keep)


def test_an_empty_stream_is_refused():
    with pytest.raises(BadData, match="no embeddings"):
        fitted([], keep=3)


def test_use_before_fit_is_refused(generator):
    with pytest.raises(NotFitted, match="transform was called before fit"):
        RandomChannels(keep=2).transform(embedding(generator))
    with pytest.raises(NotFitted, match="state_dict was called before fit"):
        RandomChannels(keep=2).state_dict()
