"""Checks of the samples that a data source lists, and of the pictures that they open."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np
import torch
from PIL import Image

from padimkit.contracts import DataSource
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader
from padimkit.images.sample import Sample
from padimkit.testing.answers import Result, difference
from padimkit.testing.check import Make, require
from padimkit.values import Batch


def lists_samples(make: Make) -> None:
    """The methods train and test each return a sequence of Samples, such as a list."""
    source = make()
    for subset in SUBSETS:
        listed: object = source.train() if subset == "train" else source.test()
        found = type(listed).__name__
        require(isinstance(listed, Sequence), f"Expected a sequence of {subset} samples, found a {found}.")
        assert isinstance(listed, Sequence)
        others = {type(one).__name__ for one in listed if not isinstance(one, Sample)}
        require(not others, f"Expected {subset} to list Samples, found {', '.join(sorted(others))}.")


def pictures_are_rgb_bytes(make: Make) -> None:
    """Each sample opens as a PIL picture of mode RGB."""
    source = make()
    for subset in SUBSETS:
        for sample in listed_by(source, subset):
            picture: object = sample.open(sample.path)
            found = picture.mode if isinstance(picture, Image.Image) else type(picture).__name__
            require(found == "RGB", f'Expected "{sample.path}" to open as an RGB picture, found {found}.')


def pictures_are_not_black(make: Make) -> None:
    """Some pixels are brighter than 1 of 255, as they are not where values up to 1 were taken for bytes."""
    source = make()
    for subset in SUBSETS:
        brightest = max(int(pixels.max()) for pixels in _opened(listed_by(source, subset)))
        require(
            brightest > 1, f"Expected {subset} pictures in bytes up to 255, found none above {brightest}."
        )


def threads_do_not_matter(make: Make) -> None:
    """The same images come in the same order where several threads open them at a time."""
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


def can_be_opened_again(make: Make) -> None:
    """Each sample opens as the same picture a second time."""
    _require_same(make, lambda samples: _opened([*samples, *samples])[len(samples) :], "a second time")


def order_does_not_matter(make: Make) -> None:
    """Each sample opens as the same picture, whichever was opened before it."""
    _require_same(make, lambda samples: _opened(samples[::-1])[::-1], "from the last to the first")


def can_be_listed_again(make: Make) -> None:
    """Listed a second time, a data source has the same samples in the same order."""
    source = make()
    for subset in SUBSETS:
        first, second = ([(s.path, s.anomalous, s.mask) for s in listed_by(source, subset)] for _ in range(2))
        require(
            second == first,
            f"Expected the same {len(first)} {subset} samples when listed again, found {len(second)}, or "
            "another order.",
        )


def _require_same(
    make: Make, again: Callable[[Sequence[Sample]], Sequence[np.ndarray]], circumstance: str
) -> None:
    source = make()
    for subset in SUBSETS:
        expected, samples = _opened(listed_by(source, subset)), listed_by(source, subset)
        for sample, one, other in zip(samples, expected, again(samples), strict=True):
            require(
                np.array_equal(one, other),
                f'Expected the same picture of "{sample.path}" when opened {circumstance}, found another.',
            )


def _opened(samples: Sequence[Sample]) -> list[np.ndarray]:
    return [np.asarray(sample.open(sample.path)) for sample in samples]


Subset: TypeAlias = Literal["train", "test"]
SUBSETS: tuple[Subset, ...] = ("train", "test")

READER = Reader(Preprocessing(resize=36, crop=32), batch_size=3, workers=0)
OTHER_READER = Reader(Preprocessing(resize=(23, 35), crop=None), batch_size=5, workers=0)  # odd, not square


def listed_by(source: DataSource, subset: Subset) -> Sequence[Sample]:
    """Return the samples of a subset, of which there must be one at least."""
    samples = source.train() if subset == "train" else source.test()
    require(len(samples) > 0, f"Expected images of {subset}, found none.")
    return samples


def read(source: DataSource, subset: Subset, reader: Reader = READER) -> list[Batch]:
    """Return all batches of a subset."""
    return list(reader.batches(listed_by(source, subset)))


def pooled(batches: Sequence[Batch]) -> Result:
    """Return images, labels and masks of all batches together."""
    tensors = {"images": [batch.images for batch in batches]}
    tensors["labels"] = [batch.labels for batch in batches if batch.labels is not None]
    tensors["masks"] = [batch.masks for batch in batches if batch.masks is not None]
    return {name: torch.cat(parts) for name, parts in tensors.items() if parts}
