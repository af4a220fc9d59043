"""Checks of the batches in which a data source gives its images, loop by loop."""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import torch

from padimkit.contracts import DataSource
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader
from padimkit.testing.answers import Result, difference
from padimkit.testing.check import Make, require
from padimkit.values import Batch


def batches_have_the_size_of_the_reader(make: Make) -> None:
    """Batches are as large as the reader says; only the last may be smaller."""
    source = make()
    for subset in SUBSETS:
        for reader in (READER, OTHER_READER):
            sizes = [len(batch.images) for batch in read(source, subset, reader)]
            largest = reader.batch_size
            require(
                all(size == largest for size in sizes[:-1]) and 1 <= sizes[-1] <= largest,
                f"Expected {subset} batches of {largest} images, only the last one smaller, found {sizes}.",
            )


def batch_size_does_not_matter(make: Make) -> None:
    """The same images come in the same order in batches of any size."""
    source = make()
    for subset in SUBSETS:
        by_three = pooled(read(source, subset))
        by_two = pooled(read(source, subset, Reader(READER.preprocessing, batch_size=2, workers=0)))
        changed = difference(by_two, by_three)
        require(not changed, f"Expected the same {subset} images by two as by three, found {changed}.")


def threads_do_not_matter(make: Make) -> None:
    """The same images come in the same order where several threads decode them at a time."""
    source = make()
    for subset in SUBSETS:
        alone = pooled(read(source, subset))
        together = pooled(read(source, subset, Reader(READER.preprocessing, READER.batch_size, workers=4)))
        changed = difference(together, alone)
        require(
            not changed,
            f"Expected the same {subset} images with 4 threads as with none, found {changed}. "
            "What the samples share while they are opened needs a lock.",
        )


def can_be_read_again(make: Make) -> None:
    """Each loop over the train or the test images starts afresh and gives the same."""
    source = make()
    for subset in SUBSETS:
        batches = batches_of(source, subset)
        first, second = list(batches), list(batches)
        require(
            paths_of(second) == paths_of(first),
            f"Expected the same {len(paths_of(first))} {subset} images in a second loop, found "
            f"{len(paths_of(second))}, or another order. Is it a generator?",
        )
        changed = difference(pooled(second), pooled(first))
        require(not changed, f"Expected the same {subset} images in a second loop, found {changed}.")


def loops_do_not_disturb_each_other(make: Make) -> None:
    """Two loops that go on at the same time both give all images."""
    source = make()
    for subset in SUBSETS:
        batches = batches_of(source, subset)
        expected = paths_of(list(batches))
        pairs = list(zip(batches, batches, strict=False))
        for found in (paths_of([batch for batch, _ in pairs]), paths_of([batch for _, batch in pairs])):
            require(
                found == expected,
                f"Expected all {len(expected)} {subset} images in each of two simultaneous loops, "
                f"found {len(found)}, or another order.",
            )


def images_are_rgb_floats(make: Make) -> None:
    """Images are float32, of shape "b 3 H W"."""
    source = make()
    for subset in SUBSETS:
        for batch in read(source, subset):
            found = type(batch).__name__
            require(isinstance(batch, Batch), f"Expected {subset} to give Batches, found {found}.")
            shape, dtype = tuple(batch.images.shape), batch.images.dtype
            require(
                len(shape) == 4 and shape[1] == 3 and dtype == torch.float32,
                f'Expected {subset} images "b 3 H W" of torch.float32, found shape {shape} of {dtype}.',
            )


def values_are_between_0_and_1(make: Make) -> None:
    """No pixel is below 0 or above 1, and not all are black."""
    source = make()
    for subset in SUBSETS:
        images = pooled(read(source, subset))["images"]
        low, high = float(images.min()), float(images.max())
        require(
            low >= 0 and 1 / 255 < high <= 1,  # at most 1/255 where values from 0 to 1 were divided by 255
            f"Expected {subset} images with values from 0 to 1, found {low:.3g} to {high:.3g}.",
        )


def images_have_the_size_of_the_crop(make: Make) -> None:
    """Images are as large as the reader's crop."""
    source = make()
    for subset in SUBSETS:
        for reader in (READER, OTHER_READER):
            side = reader.preprocessing.crop
            sizes = {tuple(batch.images.shape[2:]) for batch in read(source, subset, reader)}
            found = ", ".join(f"{height} x {width}" for height, width in sorted(sizes))
            require(
                sizes == {(side, side)},
                f"Expected {subset} images of {side} x {side} from a reader with that crop, found {found}.",
            )


Subset: TypeAlias = Literal["train", "test"]
SUBSETS: tuple[Subset, ...] = ("train", "test")

READER = Reader(Preprocessing(resize=36, crop=32), batch_size=3, workers=0)
OTHER_READER = Reader(Preprocessing(resize=24, crop=24), batch_size=5, workers=0)
WHOLE = Reader(Preprocessing(resize=256, crop=256), workers=0)  # a crop or a small size could lose a defect


def batches_of(source: DataSource, subset: Subset, reader: Reader = READER) -> Iterable[Batch]:
    """What the method of this name returns."""
    return source.train(reader) if subset == "train" else source.test(reader)


def read(source: DataSource, subset: Subset, reader: Reader = READER) -> list[Batch]:
    """All batches of a subset, of which there must be one at least."""
    batches = list(batches_of(source, subset, reader))
    require(bool(batches), f"Expected images of {subset}, found none.")
    return batches


def pooled(batches: Sequence[Batch]) -> Result:
    """Images, labels and masks of all batches together."""
    tensors = {"images": [batch.images for batch in batches]}
    tensors["labels"] = [batch.labels for batch in batches if batch.labels is not None]
    tensors["masks"] = [batch.masks for batch in batches if batch.masks is not None]
    return {name: torch.cat(parts) for name, parts in tensors.items() if parts}


def paths_of(batches: Sequence[Batch]) -> list[str]:
    """The paths of all batches together."""
    return [path for batch in batches for path in batch.paths]
