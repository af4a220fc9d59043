"""The batcher: what waits is scored together, each model by itself, and nothing is lost."""

import pytest
from served import Held

from padimkit import BadArgument
from padimkit.service.serving.batcher import Batcher


@pytest.fixture
def held(inspector):
    return Held(inspector)


@pytest.fixture
def reads(inspector, good):
    return [inspector.read(one) for one in good]


def test_each_model_has_batches_of_its_own_and_who_waits_longest_is_next(held, inspector, reads):
    sizes = []
    batcher = Batcher(3, sizes.append)
    first = batcher.submit(held, reads[0])
    held.begun.wait(10)
    models = (inspector, held, held)
    others = [batcher.submit(models[number % 3], one) for number, one in enumerate(reads * 2)]
    held.go.set()
    batcher.close()
    assert held.sizes == [1, 3, 3, 2] and sizes == [1, 3, 3, 3, 1, 2]
    expected = [inspector.judge([one])[0].score for one in reads]
    assert first.result().score == expected[0]
    assert [one.result().score for one in others] == pytest.approx(expected * 2, rel=1e-5)


def test_what_is_given_up_while_it_waits_is_not_scored(held, reads):
    batcher = Batcher(8)
    first = batcher.submit(held, reads[0])
    held.begun.wait(10)
    second, third = batcher.submit(held, reads[1]), batcher.submit(held, reads[2])
    assert second.cancel()
    held.go.set()
    batcher.close()
    assert first.done() and third.done() and held.sizes == [1, 1]


def test_a_closed_batcher_takes_nothing_more(inspector, reads):
    batcher = Batcher(1)
    batcher.close()
    with pytest.raises(RuntimeError, match="after close"):
        batcher.submit(inspector, reads[0])


def test_batches_hold_at_least_one_image():
    with pytest.raises(BadArgument, match='"batch_size" of at least 1, got 0'):
        Batcher(0)
