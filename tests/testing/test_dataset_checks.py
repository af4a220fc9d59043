"""Data sources that are right but for one thing, and the check that finds it."""

import threading
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from violations import BROAD, failed_checks

from padimkit.contracts import DataSource
from padimkit.images.sample import Sample
from padimkit.testing import check_dataset, checks_of

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

    def train(self):
        return self.samples("train", 7, anomalous=False)

    def test(self):
        normal = self.samples("test", NORMAL, anomalous=False)
        anomalous = self.samples("spot", ANOMALOUS, anomalous=True)
        return normal + [replace(sample, mask=sample.path) for sample in anomalous]


class Spoilt(Squares):
    """Squares, with something done to each sample of the train and of the test set."""

    def train(self):
        return [self.spoil(sample) for sample in super().train()]

    def test(self):
        return [self.spoil(sample) for sample in super().test()]


class SpoiltTest(Squares):
    """Squares, with something done to each sample of the test set."""

    def test(self):
        return [self.spoil(sample) for sample in super().test()]


class WithoutMasks(SpoiltTest):
    def spoil(self, sample):
        return replace(sample, mask=None)


class Grey(Spoilt):
    def spoil(self, sample):
        return replace(sample, open=lambda path: drawn(path).convert("L"))


class Arrays(Spoilt):
    def spoil(self, sample):
        return replace(sample, open=lambda path: np.asarray(drawn(path)))


class NearlyBlack(Spoilt):
    def spoil(self, sample):
        return replace(sample, open=lambda path: drawn(path).point(lambda value: value > 127))


class Generates(Squares):
    def train(self):
        yield from super().train()


class ListsPaths(Squares):
    def train(self):
        return [sample.path for sample in super().train()]


class ListsNothing(Squares):
    def train(self):
        return []


class Shuffles(Squares):
    """In another order each time; the first is always the same."""

    turns = 0

    def train(self):
        self.turns += 1
        samples = super().train()
        return samples[self.turns % 7 :] + samples[: self.turns % 7]


class Fades(Squares):
    """Each sample opens darker than the time before."""

    def train(self):
        return [replace(sample, open=Fading()) for sample in super().train()]


class Fading:
    def __init__(self):
        self.light = 1.0

    def __call__(self, path):
        self.light *= 0.9
        return drawn(path).point(lambda value: int(value * self.light))


class Remembers(Squares):
    """What opens after an earlier image of the list is brighter by one step."""

    def train(self):
        samples = super().train()
        memory = Memory([sample.path for sample in samples])
        return [replace(sample, open=memory.open) for sample in samples]


class Memory(threading.local):  # of each thread: two that share one would find each other's images by chance
    def __init__(self, paths):
        self.paths = paths
        self.last = -1

    def open(self, path):
        place = self.paths.index(path)
        backwards = place < self.last
        self.last = place
        return drawn(path).point(lambda value: value + 1) if backwards and place else drawn(path)


class OneTrainImage(Squares):
    def train(self):
        return self.samples("train", 1, anomalous=False)


class TrainsOnAnomalies(Squares):
    def train(self):
        return self.samples("spot/train", 7, anomalous=True)


class TrainsOnMarkedImages(Squares):
    def train(self):
        return [replace(sample, mask=sample.path) for sample in super().train()]


class Unlabelled(SpoiltTest):
    def spoil(self, sample):
        return replace(sample, anomalous=None, mask=None)


class OneKindOnly(Squares):
    def test(self):
        return self.samples("test", NORMAL, anomalous=False)


class NumbersForLabels(SpoiltTest):
    def spoil(self, sample):
        return replace(sample, anomalous=int(sample.anomalous))


class MarksNormalImages(SpoiltTest):
    def spoil(self, sample):
        return replace(sample, mask=sample.path)


class EmptyMasks(SpoiltTest):
    def spoil(self, sample):
        return replace(sample, open_mask=lambda path: drawn_mask(path).point(lambda _: 0))


class SmallMasks(SpoiltTest):
    def spoil(self, sample):
        return replace(sample, open_mask=lambda path: drawn_mask(path).resize((20, 20)))


class MasksSomeOnly(Squares):
    def test(self):
        *rest, last = super().test()
        return [*rest, replace(last, mask=None)]


class NamesTheFolder(Squares):
    def test(self):
        return [replace(sample, path=sample.path.parent) for sample in super().test()]


class AsksWhatItTaught(Squares):
    def test(self):
        normal = self.samples("train", NORMAL, anomalous=False)
        return normal + self.samples("spot", ANOMALOUS, anomalous=True)


class RenamesItsArgument(Squares):
    def __init__(self, folder: str = "squares"):
        super().__init__(folder)


class Unseeded(Squares):
    """Draws a name of its own for each instance."""

    def __init__(self, name: str = "squares"):
        super().__init__(name)
        self.drawn = f"{name}{next(COUNTER)}"

    def samples(self, kind, count, **known):
        paths = [Path(f"{self.drawn}/{kind}/{index}.png") for index in range(count)]
        return [Sample(path, open=drawn, open_mask=drawn_mask, **known) for path in paths]


COUNTER = count()


class IgnoresItsSeed(Squares):
    def __init__(self, seed: int = 0):
        super().__init__()
        self.seed = seed


class UsesItsSeed(Squares):
    def __init__(self, seed: int = 0):
        super().__init__(str(seed))
        self.seed = seed


class DrawsFromNumpy(Squares):
    def train(self):
        np.random.permutation(7)
        return super().train()


class TurnsRoundLater(Squares):
    calls = 0

    def train(self):
        self.calls += 1
        samples = self.samples("train", 7, anomalous=False)
        return samples[::-1] if self.calls > 2 else samples


class HoldsALambda(Squares):
    def __init__(self, name: str = "squares"):
        super().__init__(name)
        self.filter = lambda path: True


class OneHandle(Squares):
    """All samples are read through one handle, which is moved and then read."""

    def samples(self, kind, count, **known):
        return [replace(sample, open=read_by_handle) for sample in super().samples(kind, count, **known)]


HANDLE = SimpleNamespace(path=None)
BOTH_HAVE_SET_IT = threading.Barrier(2)


def read_by_handle(path):
    HANDLE.path = path
    if path.stem in ("0", "1") and threading.current_thread() is not threading.main_thread():
        BOTH_HAVE_SET_IT.wait(timeout=60)  # at once: the check has four threads
    return drawn(HANDLE.path)


BROKEN = {
    NearlyBlack: "pictures_are_not_black",
    Remembers: "order_does_not_matter",
    OneHandle: "threads_do_not_matter",
    OneTrainImage: "train_holds_two_normal_images",
    TrainsOnAnomalies: "train_holds_two_normal_images",
    TrainsOnMarkedImages: "train_holds_two_normal_images",
    Unlabelled: "labels_are_of_both_kinds",
    OneKindOnly: "labels_are_of_both_kinds",
    MarksNormalImages: "masks_fit_images_and_labels",
    EmptyMasks: "masks_fit_images_and_labels",
    MasksSomeOnly: "masks_fit_images_and_labels",
    NamesTheFolder: "each_image_has_its_own_path",
    AsksWhatItTaught: "train_and_test_share_no_image",
    RenamesItsArgument: "keeps_its_arguments",
    IgnoresItsSeed: "another_seed_gives_another_result",
    DrawsFromNumpy: "leaves_global_random_state_alone",
    TurnsRoundLater: "repeats_itself",
    HoldsALambda: "can_be_pickled",
}
# What breaks a promise on which other checks build: they fail too.
BROKEN_WIDELY = {
    Arrays: "pictures_are_rgb_bytes",
    Grey: "pictures_are_rgb_bytes",
    NumbersForLabels: "labels_are_of_both_kinds",
    SmallMasks: "masks_fit_images_and_labels",
    Unseeded: "same_arguments_give_the_same_result",
    Generates: "lists_samples",
    ListsPaths: "lists_samples",
    ListsNothing: "train_holds_two_normal_images",
    Shuffles: "can_be_listed_again",
    Fades: "can_be_opened_again",
}


@pytest.mark.parametrize("source", [Squares, WithoutMasks, UsesItsSeed])
def test_a_sound_data_source_passes_every_check(source):
    check_dataset(source)


@pytest.mark.parametrize("source", BROKEN, ids=lambda source: source.__name__)
def test_a_broken_data_source_fails_the_check_meant_for_it_alone(source):
    assert failed_checks(DataSource, source) == {BROKEN[source]}


@pytest.mark.parametrize("source", BROKEN_WIDELY, ids=lambda source: source.__name__)
def test_a_data_source_that_breaks_more_than_one_promise_fails_the_check_of_the_first(source):
    assert BROKEN_WIDELY[source] in failed_checks(DataSource, source)


def test_every_check_of_data_sources_is_known_to_find_something():
    names = {check.name for check in checks_of(DataSource)} - BROAD
    assert names == {*BROKEN.values(), *BROKEN_WIDELY.values()}
