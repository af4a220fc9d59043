"""Embeddings that are kept for further passes: the same values, one pass, and nothing left behind."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from padimkit import (
    BadArgument,
    BadOutput,
    Embedding,
    Gaussian,
    Pipeline,
    Pixels,
    Pyramid,
    RandomChannels,
    cached,
)
from padimkit.memory import cache


@pytest.fixture
def embeddings(generator):
    """Three embeddings of 1,440 bytes: plain with a descriptor, channels-last, and a view with gaps."""
    wide = torch.randn(2, 6, 5, 12, generator=generator)
    return [
        Embedding(torch.randn(2, 6, 5, 6, generator=generator), torch.randn(2, 3, generator=generator)),
        Embedding(torch.randn(2, 6, 5, 6, generator=generator).contiguous(memory_format=torch.channels_last)),
        Embedding(wide[:, :, :, ::2]),
    ]


def laid(embedding):
    """The strides of axes that are longer than 1."""
    return embedding.patches.stride()


@pytest.mark.parametrize("memory", [0, 1500, 10**9])
def test_loops_give_the_same_values_in_the_same_layout(embeddings, memory):
    with cached(embeddings, memory=memory) as kept:
        for _ in range(2):
            found = list(kept)
            assert len(found) == 3
            for one, expected in zip(found, embeddings, strict=True):
                assert torch.equal(one.patches, expected.patches)
            assert torch.equal(found[0].descriptor, embeddings[0].descriptor)
            assert found[1].descriptor is None
        assert [laid(one) for one in found[:2]] == [laid(one) for one in embeddings[:2]]
        assert laid(found[2]) == (180, 30, 6, 1), "the gaps of a view are not kept"


@pytest.mark.parametrize("memory", [0, 1000, 10**9])
def test_pyramids_are_kept_as_they_are(generator, memory):
    maps = tuple(torch.randn(2, 3, size, size, generator=generator) for size in (6, 3, 1))
    described = torch.randn(2, 5, generator=generator)
    given = [Pyramid(maps, described, "bilinear"), Pyramid(maps[1:], None), Pyramid(maps[:1], described)]
    with cached(given, memory=memory) as kept:
        for found in (list(kept), list(kept)):
            for one, expected in zip(found, given, strict=True):
                assert one.alignment == expected.alignment
                assert all(map(torch.equal, one.maps, expected.maps)) and len(one.maps) == len(expected.maps)
                assert torch.equal(one.embedding().patches, expected.embedding().patches)
            assert torch.equal(found[0].descriptor, described) and found[1].descriptor is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_all_types_come_back_bit_for_bit(generator, dtype):
    patches = torch.randn(1, 2, 3, 4, generator=generator).to(dtype)
    with cached([Embedding(patches), Embedding(patches[:, :0])], memory=0) as kept:
        first, empty = kept
    assert first.patches.dtype == dtype
    assert torch.equal(first.patches, patches)
    assert empty.patches.shape == (1, 0, 3, 4)


def test_what_is_kept_does_not_follow_the_tensor_that_was_given(embeddings):
    before = embeddings[0].patches.clone()
    with cached(embeddings) as kept:
        embeddings[0].patches.zero_()
        assert torch.equal(next(iter(kept)).patches, before)


def test_threads_read_at_a_time(embeddings):
    with cached(embeddings * 4, memory=0) as kept, ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: [one.patches for one in kept], range(8)):
            assert all(torch.equal(a, b.patches) for a, b in zip(found, embeddings * 4, strict=True))


def test_nothing_is_left_after_the_block_nor_after_an_error(embeddings, tmp_path):
    def broken():
        yield from embeddings
        raise OSError("the disk of the images is gone")

    open_files = len(list(Path("/proc/self/fd").iterdir()))
    with cached(embeddings, memory=0, folder=tmp_path) as kept:
        assert len(list(Path("/proc/self/fd").iterdir())) == open_files + 1
    with pytest.raises(OSError, match="the disk of the images"), cached(broken(), memory=0, folder=tmp_path):
        raise AssertionError("the block is not reached")
    assert list(tmp_path.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files
    with pytest.raises(BadArgument, match="were read after it"):
        next(iter(kept))


def test_a_thread_in_the_middle_of_a_loop_is_told_that_the_block_has_ended(embeddings, tmp_path):
    with cache._File(tmp_path) as file:
        place = file.keep(embeddings[1].patches)
        assert torch.equal(place(), embeddings[1].patches)
    with pytest.raises(BadArgument, match="were read after it"):
        place()


def test_a_folder_that_is_missing_and_a_full_disk_are_told(embeddings, tmp_path, monkeypatch):
    with (
        pytest.raises(BadOutput, match='kept in ".*missing": No such file'),
        cached(embeddings, folder=tmp_path / "missing"),
    ):
        raise AssertionError("the block is not reached")

    class Full:
        closed = False

        def write(self, content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self):
            pass

    monkeypatch.setattr(cache.tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(BadOutput, match="No space left on device"), cached(embeddings, memory=0):
        raise AssertionError("the block is not reached")


class Counting(Pixels):
    """Pixels, which count how often they are computed."""

    calls = 0

    def extract(self, images):
        Counting.calls += 1
        return super().extract(images)


class Epochs(Gaussian.__base__):
    """The mean of each position, found by steps of an average over several passes."""

    def __init__(self, keep: bool, epochs: int = 10):
        self.keep = keep
        self.epochs = epochs

    def fit(self, stream):
        if not self.keep:
            self.learn(stream)
            return
        with cached(stream, memory=0) as kept:
            self.learn(kept)

    def learn(self, stream):
        self.mean, self.steps = torch.zeros(()), 0
        for _ in range(self.epochs):
            for embedding in stream:
                self.steps += 1
                self.mean = self.mean + (embedding.patches.mean(0) - self.mean) / self.steps

    def score(self, embedding):
        raise NotImplementedError

    def state_dict(self):
        return {"mean": self.mean}

    def load_state_dict(self, state):
        self.mean = state["mean"]


def test_a_density_of_ten_epochs_runs_the_backbone_once_and_learns_the_same(generator):
    images = torch.rand(12, 3, 16, 16, generator=generator)
    states, calls = [], []
    for keep in (False, True):
        Counting.calls = 0
        pipeline = Pipeline(Counting(), RandomChannels(2), Epochs(keep))
        pipeline.fit(images, batch_size=4, progress=False)
        states.append(pipeline.state_dict())
        calls.append(Counting.calls)
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert calls[0] - calls[1] == 9 * 2, "each pass but the first computes two further batches"
