"""The reader, which turns lists of image files into batches."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from PIL import Image
from torch import Tensor

from padimkit.arguments import require_whole
from padimkit.errors import BadShape
from padimkit.images.augmentation import Augmentable, Augmentation, Marked, Pixels
from padimkit.images.depth import Bits, Depth, depth_of
from padimkit.images.prefetch import MOST_AT_A_TIME, MOST_WORKERS, ahead, usual_workers
from padimkit.images.preprocessing import Preprocessing, as_images, centre
from padimkit.images.resizing import Size, square
from padimkit.images.sample import Sample
from padimkit.images.selection import Chosen, Selectable
from padimkit.images.truth import defects_of, mask_of
from padimkit.values import Batch, Defect


@dataclass(frozen=True)
class Reader:
    """The settings by which images are read: the model's preprocessing, the batch size and the threads.

    Args:
        preprocessing: Resize, padding and crop.
        batch_size: Images per batch; the last batch may be smaller.
        workers: Threads that decode ahead; 0 decodes between the batches. By default one per CPU that
            this process may use, at most 8, and none if there is only one.
    """

    preprocessing: Preprocessing = Preprocessing()
    batch_size: int = 8
    workers: int | None = None

    def __post_init__(self) -> None:
        require_whole("batch_size", self.batch_size, 1, MOST_AT_A_TIME)
        if self.workers is not None:
            require_whole("workers", self.workers, 0, MOST_WORKERS)

    @property
    def threads(self) -> int:
        """The number of threads that decode ahead."""
        if self.workers is not None:
            return self.workers
        return usual_workers()

    def batches(self, samples: Sequence[Sample]) -> "ImageBatches":
        """Return batches of the samples in their order, decoded while they are read.

        A batch has labels if all its samples have one. Batches have masks if all samples of the list have
        one, except normal ones, whose masks are then false everywhere.
        """
        return ImageBatches(tuple(samples), self)


@final
class ImageBatches(Augmentable, Selectable):
    """Batches of images that are decoded anew in each loop; `len` is the number of batches."""

    def __init__(
        self,
        samples: tuple[Sample, ...],
        reader: Reader,
        augmentation: Augmentation = Augmentation(),
        chosen: Chosen = lambda _: True,
        doubted: set[Path] | None = None,
    ) -> None:
        self.samples = samples
        self.reader = reader
        self.augmentation = augmentation
        self._chosen = chosen
        self._doubted = set[Path]() if doubted is None else doubted  # masks that have been looked at

    @property
    def depth(self) -> Depth:
        """The bits per channel that all pictures together have; files of 8 bits are not decoded."""
        most = self.reader.preprocessing.most_pixels
        decoded = ahead(
            lambda sample: sample.largest_value(most), self.samples, workers=self.reader.threads, reach=16
        )
        with closing(decoded):
            return depth_of(decoded)

    def with_bits(self, bits: Bits) -> "ImageBatches":
        """Return batches of the same images, read with this depth."""
        preprocessing = replace(self.reader.preprocessing, bits=bits)
        reader = replace(self.reader, preprocessing=preprocessing)
        return ImageBatches(self.samples, reader, self.augmentation, self._chosen, self._doubted)

    def augmented(self, augmentation: Augmentation) -> "ImageBatches":
        """Return batches of variants of the images."""
        return ImageBatches(self.samples, self.reader, augmentation, self._chosen, self._doubted)

    @property
    def images(self) -> int:
        """The number of images, or of their variants."""
        return len(self._numbers)

    def only(self, chosen: Chosen) -> "ImageBatches":
        """Return batches of the chosen images, or variants; the others are not decoded."""
        return ImageBatches(
            self.samples,
            self.reader,
            self.augmentation,
            lambda number: chosen(number) and self._chosen(number),
            self._doubted,
        )

    def __len__(self) -> int:
        return -(-len(self._numbers) // self.reader.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        size, workers = self.reader.batch_size, self.reader.threads
        decode = self._decode if self.augmentation.varies else self._decode_cropped
        samples = (self.samples[number % len(self.samples)] for number in self._numbers)
        decoded = ahead(decode, samples, workers=workers, reach=2 * max(size, workers))
        with closing(decoded):  # else the threads go on decoding after a loop that stops early
            items = self._varied(decoded) if self.augmentation.varies else decoded
            while batch := list(islice(items, size)):
                yield _collated(batch, with_defects=self._with_defects)

    @cached_property
    def _numbers(self) -> list[int]:
        every = range(self.augmentation.variants_of(len(self.samples)) if self.samples else 0)
        return [number for number in every if self._chosen(number)]

    @cached_property
    def _masked(self) -> bool:
        return all(sample.mask is not None or sample.anomalous is False for sample in self.samples)

    @cached_property
    def _with_defects(self) -> bool:
        """Tell whether the data set tells defects apart; in variants of images they are not followed."""
        return not self.augmentation.varies and any(sample.defects for sample in self.samples)

    def _decode_cropped(self, sample: Sample) -> "_Item":
        return self._read(sample, self.reader.preprocessing)

    def _decode(self, sample: Sample) -> "_Item":
        whole = replace(self.reader.preprocessing, crop=None)
        if self.augmentation.before_resize:
            whole = replace(whole, resize=None, pad=None, tiles=None)
        return self._read(sample, whole)

    def _read(self, sample: Sample, preprocessing: Preprocessing) -> "_Item":
        picture = sample.picture(preprocessing.depth, preprocessing.most_pixels)
        try:
            pixels = preprocessing.pixels(picture)
        except BadShape as error:
            raise BadShape(f'"{sample.path}": {error}') from error
        if not self._masked:
            return _Item(pixels, None, sample)
        mask = mask_of(sample, picture, preprocessing, self._doubted)
        return _Item(pixels, mask, sample, defects_of(sample, picture, preprocessing))

    def _varied(self, items: Iterable["_Item"]) -> Iterator["_Item"]:
        """Yield variants, not ahead in threads: transforms draw from a generator that all threads share."""
        resize = self._resized if self.augmentation.before_resize else None
        for number, item in zip(self._numbers, items, strict=True):
            name = "/".join(item.sample.path.parts[-2:])  # the same on every machine
            pixels, mask = self.augmentation.variant(
                item.pixels, item.mask, name=name, number=number // len(self.samples), resize=resize
            )
            size = self._size_of(item.pixels.shape[:2])
            yield _Item(centre(pixels, size), None if mask is None else centre(mask, size), item.sample)

    def _size_of(self, size: Size) -> Size:
        """Return the size of the variants of an image that was read at this size."""
        preprocessing = self.reader.preprocessing
        if preprocessing.crop is not None:
            return square(preprocessing.crop)
        if not self.augmentation.before_resize:
            return size
        return replace(preprocessing, roi=None, first=None).geometry(size).size

    def _resized(self, pixels: Pixels, mask: Marked) -> tuple[Pixels, Marked]:
        """Return an image and a mask that were read at their full size, after `first`, resized and padded."""
        rest = replace(self.reader.preprocessing, roi=None, first=None, crop=None)
        marked = None if mask is None else rest.mask(Image.fromarray(mask.numpy().astype(np.uint8)))
        return rest.pixels(Image.fromarray(pixels)), marked


@dataclass(frozen=True)
class _Item:
    pixels: UInt8[np.ndarray, "H W 3"]
    mask: Bool[Tensor, "H W"] | None
    sample: Sample
    defects: tuple[Defect, ...] = ()


def _collated(items: list[_Item], *, with_defects: bool) -> Batch:
    first = items[0]
    for item in items:
        if item.pixels.shape != first.pixels.shape:
            (height, width), (rows, columns) = item.pixels.shape[:2], first.pixels.shape[:2]
            raise BadShape(
                f'"{item.sample.path}" has {height} x {width} pixels (height x width) after the '
                f'preprocessing, but "{first.sample.path}" has {rows} x {columns}. A model takes images of '
                'one size: set "resize" to [height, width], or add a "crop" or a "pad".'
            )
    known = [item.sample.anomalous for item in items if item.sample.anomalous is not None]
    masks = [item.mask for item in items if item.mask is not None]
    return Batch(
        images=as_images(np.stack([item.pixels for item in items])),
        paths=tuple(str(item.sample.path) for item in items),
        files=tuple(item.sample.file for item in items),
        labels=torch.tensor(known) if len(known) == len(items) else None,
        masks=torch.stack(masks) if masks else None,
        defects=tuple(item.defects for item in items) if with_defects and masks else None,
    )
