"""Images in random order, in batches of one size, few of them in memory."""

import pytest
import torch

from padimkit import BadShape, Embedding
from padimkit_vae.shuffling import batches, images_of, shuffled


def numbered(count):
    return [torch.full((1, 2, 3), float(index)) for index in range(count)]


def numbers(images):
    return [int(image[0, 0, 0]) for image in images]


@pytest.mark.parametrize("buffer", [1, 4, 19, 20, 100])
def test_every_image_comes_once(buffer, generator):
    order = numbers(shuffled(numbered(20), buffer=buffer, generator=generator))
    assert sorted(order) == list(range(20))


def test_a_buffer_that_holds_all_shuffles_all():
    firsts = set()
    for seed in range(100):
        order = numbers(shuffled(numbered(6), buffer=6, generator=torch.Generator().manual_seed(seed)))
        firsts.add(order[0])
    assert firsts == set(range(6))


def test_a_smaller_buffer_shuffles_too_and_reads_no_further_ahead_than_its_size(generator):
    read = []
    images = (read.append(image) or image for image in numbered(60))
    drawn = []
    for image in shuffled(images, buffer=8, generator=generator):
        drawn.append(image)
        assert len(read) - len(drawn) <= 8
    assert numbers(drawn) != sorted(numbers(drawn))


def test_any_image_of_the_buffer_may_be_next():
    firsts = set()
    for seed in range(100):
        images = shuffled(numbered(20), buffer=6, generator=torch.Generator().manual_seed(seed))
        firsts.add(numbers(images)[0])
    assert firsts == set(range(6))


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(2, [2]), (3, [3]), (4, [4]), (5, [5]), (6, [4, 2]), (8, [4, 4]), (9, [4, 5]), (1, [1]), (0, [])],
)
def test_a_single_image_left_over_joins_the_batch_before_it(count, sizes):
    found = list(batches(numbered(count), 4))
    assert [len(batch) for batch in found] == sizes
    assert numbers(torch.cat(found) if found else []) == list(range(count))


def test_images_are_copies_so_that_a_batch_is_not_kept_for_the_sake_of_one():
    patches = torch.rand(3, 2, 4, 4)
    for image, original in zip(images_of([Embedding(patches)]), patches, strict=True):
        assert torch.equal(image, original)
        assert image.untyped_storage().nbytes() == 4 * image.numel()


def test_images_of_another_shape_are_refused():
    stream = [Embedding(torch.rand(2, 3, 4, 5)), Embedding(torch.rand(2, 3, 4, 6))]
    with pytest.raises(BadShape, match=r"\(3, 4, 5\) and \(3, 4, 6\)\. Resize and crop them alike\."):
        list(images_of(stream))
