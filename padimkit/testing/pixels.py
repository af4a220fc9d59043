"""Checks of the images that a data source gives."""

import torch

from padimkit.testing.check import Make, require
from padimkit.testing.readings import OTHER_READER, READER, SUBSETS, pooled, read
from padimkit.values import Batch


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
