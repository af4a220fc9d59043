"""Images that are not chosen are not decoded, and all else about the chosen ones is as in the whole."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from padimkit import PCA, Augmentation, Batch, Gaussian, Identity, Pipeline, Pixels, Preprocessing, calibrate
from padimkit.images.augmentation import augmented
from padimkit.images.progress import Progress
from padimkit.images.reader import Reader
from padimkit.images.sample import Sample
from padimkit.images.selection import count_of, only

SIDE = 8


@pytest.fixture
def opened():
    """The paths of the images that were decoded, in turn."""
    return []


@pytest.fixture
def samples(random, opened, tmp_path):
    def sample(number):
        picture = Image.fromarray(random.integers(0, 256, (SIDE, SIDE, 3), dtype="uint8"))

        def open(path):
            opened.append(path.name)
            return picture

        return Sample(tmp_path / f"{number}.png", anomalous=number % 3 == 0, open=open)

    return [sample(number) for number in range(7)]


@pytest.fixture
def batches(samples):
    return Reader(Preprocessing(SIDE, SIDE), batch_size=2, workers=0).batches(samples)


def is_odd(number):
    return number % 2 == 1


def joined(batches):
    found = list(batches)
    return torch.cat([batch.images for batch in found]), [path for batch in found for path in batch.paths]


def test_only_the_chosen_images_are_decoded(batches, opened):
    images, paths = joined(only(batches, is_odd))
    assert opened == ["1.png", "3.png", "5.png"]
    every, names = joined(batches)
    assert torch.equal(images, every[1::2]) and paths == names[1::2]


def test_a_choice_of_a_choice_is_by_the_numbers_of_the_whole(batches, opened):
    found = only(only(batches, is_odd), lambda number: number > 2)
    assert count_of(found) == 2 and len(found) == 1
    joined(found)
    assert opened == ["3.png", "5.png"]


def test_images_are_counted_without_decoding(batches, opened):
    assert count_of(batches) == 7 and count_of(Progress(only(batches, is_odd), "Counting")) == 3
    assert opened == []
    assert count_of(list(batches)) == 7


def test_variants_are_those_that_they_are_among_all(batches):
    random = Augmentation(("RandomAffine(degrees=30)",), images=17, seed=3)
    for whole in (augmented(batches, random), augmented(Progress(batches, "Varying"), random)):
        images, paths = joined(only(whole, is_odd))
        every, names = joined(whole)
        assert count_of(whole) == 17 and torch.equal(images, every[1::2]) and paths == names[1::2]


def test_other_batches_are_read_and_divided(batches):
    masks = torch.arange(2 * SIDE * SIDE).reshape(2, SIDE, SIDE) % 2 == 0
    whole = [replace(batch, masks=masks[: len(batch.paths)]) for batch in batches]
    some = list(only(whole, lambda number: number in (2, 3, 5)))
    assert [batch.paths for batch in some] == [whole[1].paths, whole[2].paths[1:]]
    assert torch.equal(some[1].images, whole[2].images[1:]) and torch.equal(some[1].masks, masks[1:])
    assert some[1].labels.tolist() == [False]
    bare = Batch(whole[0].images, whole[0].paths)
    (part,) = only([bare], is_odd)
    assert part.labels is None and part.masks is None and part.files == ()


@pytest.mark.parametrize(
    ("reducer", "decoded"),
    [
        # The first batch of each of three fits, twice the two other folds, and each image to be scored.
        (PCA(keep=2), 3 + 2 * (2 * 7) + 7),
        (Identity(), 7),  # no folds
    ],
)
def test_folds_decode_no_image_that_they_do_not_use(samples, opened, reducer, decoded):
    normal = [replace(sample, anomalous=False) for sample in samples]
    pipeline = Pipeline(Pixels(), reducer, Gaussian(), preprocessing=Preprocessing(SIDE, SIDE)).fit(normal)
    opened.clear()
    calibrate(pipeline, normal, folds=3, batch_size=1, workers=0)
    assert len(opened) == 1 + decoded  # the first tells if the reducer depends on the images
