"""Data sources that are right but for one thing, and the check that finds it."""

import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from violations import failed_checks

from padimkit.contracts import DataSource
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Sample
from padimkit.testing import check_dataset, outcomes
from padimkit.values import Stream

NORMAL, ANOMALOUS = 4, 3


@cache
def drawn(path):
    """A picture that depends on its name, with a bright square where it is anomalous."""
    random = np.random.default_rng(list(str(path).encode()))
    pixels = random.integers(0, 200, (40, 40, 3), dtype=np.uint8)
    if "spot" in str(path):
        pixels[10:20, 12:25] = 255
    return Image.fromarray(pixels)


@cache
def drawn_mask(path):
    mask = np.zeros((40, 40), np.uint8)
    mask[10:20, 12:25] = 255
    return Image.fromarray(mask)


class Squares(DataSource):
    """A few pictures made up on the fly: right in every way."""

    def __init__(self, name: str = "squares"):
        self.name = name

    def samples(self, kind, count, **known):
        paths = [Path(f"{self.name}/{kind}/{index}.png") for index in range(count)]
        return [Sample(path, open=drawn, open_mask=drawn_mask, **known) for path in paths]

    def train(self, reader):
        return reader.batches(self.samples("train", 7, anomalous=False))

    def test(self, reader):
        normal = self.samples("test", NORMAL, anomalous=False)
        anomalous = self.samples("spot", ANOMALOUS, anomalous=True)
        return reader.batches(normal + [replace(sample, mask=sample.path) for sample in anomalous])


class Spoilt(Squares):
    """Squares, with something done to each batch of the train and of the test set."""

    def train(self, reader):
        return Stream(lambda: (self.spoil(batch) for batch in super(Spoilt, self).train(reader)))

    def test(self, reader):
        return Stream(lambda: (self.spoil(batch) for batch in super(Spoilt, self).test(reader)))


class SpoiltTest(Squares):
    """Squares, with something done to each batch of the test set."""

    def test(self, reader):
        return Stream(lambda: (self.spoil(batch) for batch in super(SpoiltTest, self).test(reader)))


class WithoutMasks(SpoiltTest):
    def spoil(self, batch):
        return replace(batch, masks=None)


class Double(Spoilt):
    def spoil(self, batch):
        return replace(batch, images=batch.images.double())


class Bytes(Spoilt):
    def spoil(self, batch):
        return replace(batch, images=batch.images * 255)


class Normalised(Spoilt):
    def spoil(self, batch):
        return replace(batch, images=(batch.images - 0.5) / 0.2)


class NearlyBlack(Spoilt):
    def spoil(self, batch):
        return replace(batch, images=batch.images / 255)


class HasItsOwnSize(Squares):
    def train(self, reader):
        return super().train(replace(reader, preprocessing=Preprocessing(36, 32)))


class HasItsOwnBatchSize(Squares):
    def test(self, reader):
        return super().test(replace(reader, batch_size=3))


class NormalisesEachBatch(Spoilt):
    def spoil(self, batch):
        return replace(batch, images=batch.images / batch.images.sum(dim=(2, 3)).max() * 0.5 + 0.1)


class Generates(Squares):
    def train(self, reader):
        yield from super().train(reader)


class Shuffles(Squares):
    """In another order in each loop; the first of all loops is always the same."""

    def train(self, reader):
        return Shuffled(self.samples("train", 7, anomalous=False), reader)


class Shuffled:
    def __init__(self, samples, reader):
        self.samples, self.reader = samples, reader

    def __iter__(self):
        self.samples = self.samples[1:] + self.samples[:1]
        return iter(self.reader.batches(self.samples))


class OneCursor(Squares):
    def train(self, reader):
        return Cursor(super().train(reader))


class Cursor:
    """Starts again with each loop, and so disturbs the one before."""

    def __init__(self, batches):
        self.batches = list(batches)

    def __iter__(self):
        self.position = 0
        return self

    def __next__(self):
        if self.position == len(self.batches):
            raise StopIteration
        self.position += 1
        return self.batches[self.position - 1]


class OneTrainImage(Squares):
    def train(self, reader):
        return reader.batches(self.samples("train", 1, anomalous=False))


class TrainsOnAnomalies(Squares):
    def train(self, reader):
        return reader.batches(self.samples("spot/train", 7, anomalous=True))


class Unlabelled(SpoiltTest):
    def spoil(self, batch):
        return replace(batch, labels=None, masks=None)


class OneKindOnly(Squares):
    def test(self, reader):
        return reader.batches(self.samples("test", NORMAL, anomalous=False))


class MasksUpsideDown(SpoiltTest):
    def spoil(self, batch):
        return replace(batch, masks=~batch.masks)


class EmptyMasks(SpoiltTest):
    def spoil(self, batch):
        return replace(batch, masks=batch.masks & False)


class SmallMasks(SpoiltTest):
    def spoil(self, batch):
        object.__setattr__(batch, "masks", batch.masks[:, ::2, ::2])  # past jaxtyping, which would refuse
        return batch


class NumbersForLabels(SpoiltTest):
    def spoil(self, batch):
        object.__setattr__(batch, "labels", batch.labels.long())
        return batch


class NamesTheFolder(SpoiltTest):
    def spoil(self, batch):
        return replace(batch, paths=tuple(str(Path(path).parent) for path in batch.paths))


class AsksWhatItTaught(Squares):
    def test(self, reader):
        normal = self.samples("train", NORMAL, anomalous=False)
        return reader.batches(normal + self.samples("spot", ANOMALOUS, anomalous=True))


class RenamesItsArgument(Squares):
    def __init__(self, folder: str = "squares"):
        super().__init__(folder)


class Unseeded(Squares):
    def __init__(self, name: str = "squares"):
        super().__init__(name)
        self.scale = 1 - 1e-4 * np.random.default_rng().random()

    def train(self, reader):
        batches = super().train(reader)
        return Stream(lambda: (replace(batch, images=batch.images * self.scale) for batch in batches))


class IgnoresItsSeed(Squares):
    def __init__(self, seed: int = 0):
        super().__init__()
        self.seed = seed


class UsesItsSeed(Squares):
    def __init__(self, seed: int = 0):
        super().__init__(str(seed))
        self.seed = seed


class DrawsFromNumpy(Squares):
    def train(self, reader):
        np.random.permutation(7)
        return super().train(reader)


class KeepsItsFirstReader(Squares):
    reader = None

    def train(self, reader):
        self.reader = self.reader or reader
        return super().train(self.reader)


class TurnsRoundLater(Squares):
    calls = 0

    def train(self, reader):
        self.calls += 1
        samples = self.samples("train", 7, anomalous=False)
        return reader.batches(samples[::-1] if self.calls > 2 else samples)


class HoldsALambda(Squares):
    def __init__(self, name: str = "squares"):
        super().__init__(name)
        self.filter = lambda path: True


class OneHandle(Squares):
    """All samples are read through one handle, which is moved and then read."""

    def samples(self, kind, count, **known):
        return [replace(sample, open=read_by_handle) for sample in super().samples(kind, count, **known)]


HANDLE = SimpleNamespace(path=None)


def read_by_handle(path):
    HANDLE.path = path
    time.sleep(0.003)
    return drawn(HANDLE.path)


BROKEN = {
    OneHandle: "threads_do_not_matter",
    Double: "images_are_rgb_floats",
    Bytes: "values_are_between_0_and_1",
    Normalised: "values_are_between_0_and_1",
    NearlyBlack: "values_are_between_0_and_1",
    HasItsOwnSize: "images_have_the_size_of_the_crop",
    HasItsOwnBatchSize: "batches_have_the_size_of_the_reader",
    NormalisesEachBatch: "batch_size_does_not_matter",
    OneCursor: "loops_do_not_disturb_each_other",
    OneTrainImage: "train_holds_two_normal_images",
    TrainsOnAnomalies: "train_holds_two_normal_images",
    Unlabelled: "labels_are_of_both_kinds",
    NumbersForLabels: "labels_are_of_both_kinds",
    OneKindOnly: "labels_are_of_both_kinds",
    MasksUpsideDown: "masks_fit_images_and_labels",
    EmptyMasks: "masks_fit_images_and_labels",
    SmallMasks: "masks_fit_images_and_labels",
    NamesTheFolder: "each_image_has_its_own_path",
    AsksWhatItTaught: "train_and_test_share_no_image",
    RenamesItsArgument: "keeps_its_arguments",
    Unseeded: "same_arguments_give_the_same_result",
    IgnoresItsSeed: "another_seed_gives_another_result",
    DrawsFromNumpy: "leaves_global_random_state_alone",
    TurnsRoundLater: "repeats_itself",
    HoldsALambda: "can_be_pickled",
}


@pytest.mark.parametrize("source", [Squares, WithoutMasks, UsesItsSeed])
def test_a_sound_data_source_passes_every_check(source):
    check_dataset(source)


@pytest.mark.parametrize("source", BROKEN, ids=lambda source: source.__name__)
def test_a_broken_data_source_fails_the_check_meant_for_it_alone(source):
    assert failed_checks(DataSource, source) == {BROKEN[source]}


def test_a_source_that_keeps_its_first_reader_fails_both_checks_of_the_reader():
    found = failed_checks(DataSource, KeepsItsFirstReader)
    assert found == {"images_have_the_size_of_the_crop", "batches_have_the_size_of_the_reader"}


@pytest.mark.parametrize("source", [Generates, Shuffles])
def test_what_gives_other_images_in_a_second_loop_fails_both_checks_of_loops(source):
    found = failed_checks(DataSource, source)
    assert found == {"can_be_read_again", "loops_do_not_disturb_each_other"}


def test_every_check_of_data_sources_is_known_to_find_something():
    names = {outcome.check.name for outcome in outcomes(DataSource, Squares)}
    assert names == {*BROKEN.values(), "can_be_read_again"}
