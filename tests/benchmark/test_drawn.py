import numpy as np
import pytest
import torch

from padimkit.benchmark.drawn import LEVEL, Drawn
from padimkit.errors import BadArgument


def patches(drawn, seed, batch_size=16):
    stream = drawn.stream(seed, batch_size)
    return torch.cat([levels[LEVEL].maps[0] for levels in stream]).double().numpy()


def test_embeddings_have_the_variances_that_their_arguments_say(seed):
    drawn = Drawn(images=3000, channels=4, positions=6, spectrum=2.0, eps_ratio=50.0)
    found = patches(drawn, seed).var(axis=0).mean(axis=(1, 2))
    powers = np.arange(1, 5) ** -2.0
    assert found == pytest.approx(0.5 * powers / powers.mean(), rel=0.1)
    assert drawn.variance == 0.5


def test_a_stream_can_be_read_again_and_a_seed_fixes_it(seed):
    drawn = Drawn(images=7, channels=3, positions=4)
    stream = drawn.stream(seed, 3)
    assert [len(levels[LEVEL].maps[0]) for levels in stream] == [3, 3, 1]
    assert [len(levels[LEVEL].descriptor) for levels in stream] == [3, 3, 1]
    assert (patches(drawn, seed) == patches(drawn, seed)).all()
    assert (patches(drawn, seed) != patches(drawn, seed + 1)).all()


def test_unseen_images_are_others(seed):
    drawn = Drawn(images=2, channels=3, positions=4)
    unseen = drawn.unseen(seed)
    first, second = (next(unseen)[LEVEL].maps[0] for _ in range(2))
    assert not torch.equal(first, second)
    assert not any(np.array_equal(first.numpy(), one[None]) for one in patches(drawn, seed))


@pytest.mark.parametrize(("positions", "grid"), [(64, (8, 8)), (12, (3, 4)), (7, (1, 7)), (1, (1, 1))])
def test_positions_form_a_grid(positions, grid):
    assert Drawn(positions=positions).grid == grid
    assert patches(Drawn(images=2, positions=positions), 0).shape == (2, 100, *grid)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images": 1}, '"embeddings.images" of at least 2'),
        ({"channels": 0}, '"embeddings.channels" of at least 1'),
        ({"positions": 1.5}, '"embeddings.positions" to be a whole number'),
        ({"spectrum": -1.0}, '"embeddings.spectrum" of at least 0'),
        ({"eps_ratio": 0.0}, '"embeddings.eps_ratio" of at least'),
    ],
)
def test_values_out_of_range_are_refused(changed, message):
    with pytest.raises(BadArgument, match=message):
        Drawn(**changed).require_sound()
