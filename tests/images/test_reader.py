import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from padimkit.errors import BadArgument, BadImage
from padimkit.images.decoding import open_image
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader
from padimkit.images.sample import Sample

SMALL = Preprocessing(resize=8, crop=6)


@pytest.fixture
def paths(tmp_path):
    generator = np.random.default_rng(2)
    paths = [tmp_path / f"{number}.png" for number in range(7)]
    for path in paths:
        Image.fromarray(generator.integers(0, 256, (9, 12, 3), dtype=np.uint8)).save(path)
    return paths


@pytest.fixture
def mask(tmp_path):
    path = tmp_path / "mask.png"
    Image.fromarray(np.full((9, 12), 255, dtype=np.uint8)).save(path)
    return path


def _red_frame(path):
    return Image.new("RGB", (12, 9), "red")


def _same(one, other):
    return len(one) == len(other) and all(
        a.paths == b.paths
        and torch.equal(a.images, b.images)
        and (a.labels is b.labels is None or torch.equal(a.labels, b.labels))
        and (a.masks is b.masks is None or torch.equal(a.masks, b.masks))
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize(("batch_size", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (100, [7])])
def test_batches_come_in_order_and_the_last_may_be_smaller(paths, batch_size, sizes):
    batches = Reader(SMALL, batch_size=batch_size).batches([Sample(path) for path in reversed(paths)])
    assert len(batches) == len(sizes)
    assert [len(batch.images) for batch in batches] == sizes
    assert [path for batch in batches for path in batch.paths] == [str(path) for path in reversed(paths)]


def test_images_are_as_the_preprocessing_makes_them(paths):
    (batch,) = Reader(SMALL, batch_size=7).batches([Sample(path) for path in paths])
    for image, path in zip(batch.images, paths, strict=True):
        assert torch.equal(image, SMALL.image(Image.open(path).copy()))


def test_no_samples_give_no_batches():
    assert list(Reader().batches([])) == []


def test_batches_can_be_read_again_and_side_by_side(paths):
    batches = Reader(SMALL, batch_size=3).batches([Sample(path, anomalous=False) for path in paths])
    first = list(batches)
    assert _same(first, list(batches))
    assert _same(first, [left for left, _ in zip(batches, batches, strict=True)])


def test_workers_change_nothing(paths, mask):
    samples = [
        Sample(path, anomalous=number % 2 == 0, mask=mask if number % 2 == 0 else None)
        for number, path in enumerate(paths)
    ]
    alone = list(Reader(SMALL, batch_size=2, workers=0).batches(samples))
    batches = Reader(SMALL, batch_size=2, workers=2).batches(samples)
    assert _same(alone, list(batches))
    assert _same(alone, list(batches))


def test_labels_and_masks_are_given_where_they_are_known(paths, mask):
    samples = [Sample(paths[0], anomalous=False), Sample(paths[1], anomalous=True, mask=mask)]
    (batch,) = Reader(SMALL).batches(samples)
    assert batch.labels.tolist() == [False, True]
    assert batch.masks.dtype == torch.bool and batch.masks.shape == (2, 6, 6)
    assert not batch.masks[0].any() and batch.masks[1].all()


def test_unknown_labels_stay_unknown(paths):
    (batch,) = Reader(SMALL).batches([Sample(path) for path in paths])
    assert batch.labels is None and batch.masks is None


def test_one_unknown_label_hides_those_of_its_batch(paths):
    samples = [Sample(paths[0], anomalous=False), Sample(paths[1]), Sample(paths[2], anomalous=True)]
    batches = list(Reader(SMALL, batch_size=2).batches(samples))
    assert batches[0].labels is None
    assert batches[1].labels.tolist() == [True]


def test_one_unknown_mask_hides_all_of_them(paths, mask):
    samples = [Sample(paths[0], anomalous=True, mask=mask), Sample(paths[1], anomalous=True)]
    assert [batch.masks for batch in Reader(SMALL, batch_size=1).batches(samples)] == [None, None]


def test_a_mask_of_another_size_than_its_image_is_refused(paths, tmp_path):
    mask = tmp_path / "mask.png"
    Image.new("L", (12, 10)).save(mask)
    batches = Reader(SMALL).batches([Sample(paths[0], anomalous=True, mask=mask)])
    with pytest.raises(BadImage, match=r'mask "\S+mask.png" is 12 x 10 pixels, .*0.png" is 12 x 9'):
        list(batches)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_image_is_reported_in_its_place(paths, workers):
    paths[4].write_bytes(b"")
    batches = Reader(SMALL, batch_size=2, workers=workers).batches([Sample(path) for path in paths])
    read = iter(batches)
    assert [batch.paths[0] for batch in islice(read, 2)] == [str(paths[0]), str(paths[2])]
    with pytest.raises(BadImage) as caught:
        next(read)
    assert str(caught.value) == f'"{paths[4]}" (0 bytes) is not an image that can be read.'


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loop_can_stop_early(paths, workers):
    batches = Reader(SMALL, batch_size=1, workers=workers).batches([Sample(path) for path in paths])
    assert next(iter(batches)).paths == (str(paths[0]),)


def test_a_data_set_can_bring_its_own_decoder():
    sample = Sample(
        Path("video:7"), anomalous=True, mask=Path("video:7"), open=_red_frame, open_mask=_red_mask
    )
    for workers in (0, 1):
        (batch,) = Reader(SMALL, workers=workers).batches([sample])
        assert batch.paths == ("video:7",)
        assert (batch.images[0, 0] == 1).all() and batch.masks.all()


def _red_mask(path):
    return Image.new("L", (12, 9), 255)


def test_reading_draws_from_no_global_generator(paths):
    # In a process of its own: beartype, which checks shapes in this one, draws from `random` itself.
    script = """
import random, sys, numpy, torch
from pathlib import Path
from padimkit.images.reader import Reader
from padimkit.images.sample import Sample

def states():
    return torch.get_rng_state().tolist(), str(numpy.random.get_state()), random.getstate()

before = states()
for workers in (0, 1):
    list(Reader(workers=workers).batches([Sample(Path(path)) for path in sys.argv[1:]]))
assert states() == before
"""
    subprocess.run([sys.executable, "-c", script, *map(str, paths)], check=True)


@pytest.mark.parametrize("arguments", [{"batch_size": 0}, {"workers": -1}])
def test_a_reader_without_images_or_with_negative_workers_is_refused(arguments):
    with pytest.raises(BadArgument, match='"batch_size" of at least 1|"workers" of at least 0'):
        Reader(**arguments)


@pytest.mark.parametrize(("cpus", "threads"), [(1, 0), (2, 2), (6, 6), (64, 8)])
def test_by_default_there_is_a_thread_for_each_usable_cpu(monkeypatch, cpus, threads):
    monkeypatch.setattr("padimkit.images.prefetch.cpu_count", lambda: cpus)
    assert Reader().threads == threads
    assert Reader(workers=3).threads == 3


def test_images_are_bytes_divided_by_255_side_by_side(paths):
    (batch,) = Reader(SMALL, batch_size=2).batches([Sample(path) for path in paths[:2]])
    for path, image in zip(paths, batch.images, strict=False):
        pixels = SMALL.pixels(open_image(path))
        assert np.array_equal(image.permute(1, 2, 0), pixels.astype(np.float32) / np.float32(255))
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
