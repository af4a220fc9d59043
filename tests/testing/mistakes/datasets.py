"""Mistakes in data sources."""

import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from padimkit import DataSource, Sample

HERE = Path(__file__).parent


def place_of(path):
    return 3 + 7 * int(path.stem), 30 - 6 * int(path.stem)


@cache
def drawn(path):
    """Noise that its name decides, with a bright square where it is anomalous."""
    random = np.random.default_rng(list(str(path).encode()))
    pixels = random.integers(60, 120, (40, 40, 3), dtype=np.uint8)
    if path.parent.name == "spot":
        top, left = place_of(path)
        pixels[top : top + 8, left : left + 8] = 255
    return Image.fromarray(pixels)


def drawn_mask(path):
    mask = np.zeros((40, 40), np.uint8)
    top, left = place_of(path)
    mask[top : top + 8, left : left + 8] = 255
    return Image.fromarray(mask)


def inverted_mask(path):
    return drawn_mask(path).point(lambda value: 255 - value)


def small_mask(path):
    return drawn_mask(path).resize((20, 20))


def empty_mask(path):
    return drawn_mask(path).point(lambda _: 0)


def grey(path):
    return drawn(path).convert("L")


def dark(path):
    return drawn(path).point(lambda value: value > 127)


def as_array(path):
    return np.asarray(drawn(path))


def turned(path):
    return drawn(path).transpose(Image.Transpose.ROTATE_90)


def drawn_again(path):
    return drawn(path.relative_to("again"))


def anywhere(path):
    return 5 * int(path.stem) % 31, 7 * int(path.stem) % 31


def mask_anywhere(path):
    mask = np.zeros((40, 40), np.uint8)
    top, left = anywhere(path)
    mask[top : top + 8, left : left + 8] = 255
    return Image.fromarray(mask)


def drawn_anywhere(path):
    return Image.composite(
        Image.new("RGB", (40, 40), "white"),
        drawn(path.parent.parent / "good" / path.name),
        mask_anywhere(path),
    )


def train_picture(path):
    """The picture of a training image, copied by whoever filled the folder of the test."""
    return drawn(Path("squares/train") / path.name) if path.parent.name == "good" else drawn(path)


class Right(DataSource):
    """Pictures made up on the fly: right in every way."""

    def __init__(self, name: str = "squares"):
        self.name = name

    def samples(self, kind, count, **known):
        paths = [Path(f"{self.name}/{kind}/{number}.png") for number in range(count)]
        return [Sample(path, open=drawn, open_mask=drawn_mask, **known) for path in paths]

    def train(self):
        return self.samples("train", 6, anomalous=False)

    def test(self):
        spots = self.samples("spot", 4, anomalous=True)
        return [*self.samples("good", 3, anomalous=False), *(replace(one, mask=one.path) for one in spots)]


class Changed(Right):
    """The same, with other samples to test on."""

    def test(self):
        return [replace(one, **self.changed()) for one in super().test()]

    def changed(self):
        return {}


class InvertedMasks(Changed):
    """Masks mark what is normal."""

    def changed(self):
        return {"open_mask": inverted_mask}


class MasksOfTheNextImage(Right):
    """The list of masks begins one file too late."""

    def test(self):
        *normal, a, b, c, d = super().test()
        pairs = zip((a, b, c, d), (b, c, d, a), strict=True)
        return [*normal, *(replace(one, mask=other.mask) for one, other in pairs)]


class MasksOfThePreviousImage(Right):
    """The list of masks begins one file too early."""

    def test(self):
        *normal, a, b, c, d = super().test()
        pairs = zip((a, b, c, d), (d, a, b, c), strict=True)
        return [*normal, *(replace(one, mask=other.mask) for one, other in pairs)]


class MasksMirrored(Changed):
    """Masks are mirrored from left to right, as by an augmentation of images alone."""

    def changed(self):
        return {"open_mask": lambda path: ImageOps.mirror(drawn_mask(path))}


class MasksUpsideDown(Changed):
    """Masks have their origin below."""

    def changed(self):
        return {"open_mask": lambda path: ImageOps.flip(drawn_mask(path))}


class TurnedPictures(Right):
    """Pictures are turned as their EXIF orientation says, and masks are not."""

    def train(self):
        return [replace(one, open=turned) for one in super().train()]

    def test(self):
        return [replace(one, open=turned) for one in super().test()]


class MasksSortedAsText(Right):
    """Pictures are sorted by number, and masks by name: 10 comes before 2."""

    def test(self):
        spots = [
            replace(one, open=drawn_anywhere, open_mask=mask_anywhere)
            for one in self.samples("spot", 12, anomalous=True)
        ]
        masks = sorted(str(one.path) for one in spots)
        pairs = zip(spots, masks, strict=True)
        return [*super().test()[:3], *(replace(one, mask=Path(mask)) for one, mask in pairs)]


class OpensTheLastPath(Right):
    """Each sample opens what the variable of the loop names when the loop has ended."""

    def test(self):
        found = []
        for one in super().test():
            path = one.path
            found.append(replace(one, open=lambda _: drawn(path)))  # noqa: B023
        return found


class ListedTwice(Right):
    """A folder is searched once with each spelling of a suffix, which are one here."""

    def test(self):
        again = [replace(one, path=Path(f"again/{one.path}"), open=drawn_again) for one in super().test()]
        return [*super().test(), *again]


class InvertedLabels(Right):
    """What is good is labelled anomalous."""

    def test(self):
        return [replace(one, anomalous=not one.anomalous, mask=None) for one in super().test()]


class TestsOnCopies(Changed):
    """The folder of the test holds copies of training images under other names."""

    def changed(self):
        return {"open": train_picture}


class TestsOnTraining(Right):
    """Normal images to test on are those that were learnt."""

    def test(self):
        return [*self.train(), *super().test()[3:]]


class SmallMasks(Changed):
    """Masks are half as large as their images."""

    def changed(self):
        return {"open_mask": small_mask}


class EmptyMasks(Changed):
    """Masks mark nothing, since 1 was taken for 255."""

    def changed(self):
        return {"open_mask": empty_mask}


class MasksOfSome(Right):
    """One mask was not found."""

    def test(self):
        *others, last = super().test()
        return [*others, replace(last, mask=None)]


class Unlabelled(Changed):
    """Labels are left open."""

    def changed(self):
        return {"anomalous": None, "mask": None}


class TrainsOnAnomalies(Right):
    """All images are there to learn from."""

    def train(self):
        return [*super().train(), *self.samples("spot", 1, anomalous=True)]


class Grey(Changed):
    """Pictures have one channel."""

    def changed(self):
        return {"open": grey}


class Dark(Changed):
    """Values up to 1 were taken for bytes."""

    def changed(self):
        return {"open": dark}


class Arrays(Changed):
    """Pictures are arrays."""

    def changed(self):
        return {"open": as_array}


class ListsWhenMade(Right):
    """Reads its folder when it is made."""

    def __init__(self, root: Path = HERE):
        super().__init__()
        self.root = root
        self.files = sorted(Path(root).iterdir())


class SplitByHash(Right):
    """Chooses training images by the hashes of their names."""

    def train(self):
        return sorted(self.samples("train", 12, anomalous=False), key=lambda one: hash(one.path.name))[:9]


class OrderOfASet(Right):
    """Lists what a set holds."""

    def train(self):
        known = {str(one.path): one for one in self.samples("train", 12, anomalous=False)}
        return [known[path] for path in set(known)]


class Generates(Right):
    """Yields samples, which can be counted by nobody."""

    def train(self):
        yield from super().train()


class SamePath(Right):
    """Names the folder in place of the file."""

    def train(self):
        return [replace(one, path=one.path.parent / "0.png") for one in super().train()]


class Draws(Right):
    """Shuffles by the generator that all share."""

    def train(self):
        np.random.permutation(6)
        return super().train()


class ShufflesAnew(Right):
    """Lists in another order each time."""

    turns = 0

    def train(self):
        self.turns += 1
        found = super().train()
        return found[self.turns % 6 :] + found[: self.turns % 6]


class TurnsWarningsOff(Right):
    """Turns all warnings off for the whole program."""

    def test(self):
        warnings.simplefilter("ignore")
        return super().test()


class TakesAnything(Right):
    """Takes arguments that settings do not hold."""

    def __init__(self, name: str = "squares", **options):
        super().__init__(name)


MASKS, PLACES = "masks_mark_the_anomalies", "masks_lie_where_images_differ"
MISTAKES = {
    InvertedMasks: MASKS,
    MasksOfTheNextImage: MASKS,
    MasksOfThePreviousImage: MASKS,
    MasksMirrored: PLACES,
    MasksUpsideDown: PLACES,
    TurnedPictures: PLACES,
    MasksSortedAsText: PLACES,
    OpensTheLastPath: "pictures_are_not_listed_twice",
    ListedTwice: "pictures_are_not_listed_twice",
    InvertedLabels: "normal_folders_hold_normal_images",
    TestsOnCopies: "train_and_test_share_no_picture",
    TestsOnTraining: "train_and_test_share_no_image",
    SmallMasks: "masks_fit_images_and_labels",
    EmptyMasks: "masks_fit_images_and_labels",
    MasksOfSome: "masks_fit_images_and_labels",
    Unlabelled: "labels_are_of_both_kinds",
    TrainsOnAnomalies: "train_holds_two_normal_images",
    Grey: "pictures_are_rgb_bytes",
    Dark: "pictures_are_not_black",
    Arrays: "pictures_are_rgb_bytes",
    ListsWhenMade: "making_it_reads_nothing",
    SplitByHash: "other_processes_give_the_same",
    OrderOfASet: "other_processes_give_the_same",
    Generates: "lists_samples",
    SamePath: "each_image_has_its_own_path",
    Draws: "leaves_global_random_state_alone",
    ShufflesAnew: "can_be_listed_again",
    TurnsWarningsOff: "leaves_the_program_alone",
    TakesAnything: "arguments_have_names",
}
