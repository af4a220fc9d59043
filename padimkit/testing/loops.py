"""Checks of the batches in which a data source gives its images, loop by loop."""

from padimkit.reader import Reader
from padimkit.testing.check import Make, require
from padimkit.testing.readings import OTHER_READER, READER, SUBSETS, batches_of, paths_of, pooled, read
from padimkit.testing.result import difference


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
