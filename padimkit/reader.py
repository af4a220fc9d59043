"""Lists of image files to batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from padimkit.errors import BadArgument, BadImage, PadimkitError
from padimkit.images import Preprocessing, open_image, open_mask
from padimkit.values import Batch


@dataclass(frozen=True)
class Sample:
    """One image of a data set: `anomalous` and `mask` are None where that is unknown.

    `open` and `open_mask` turn the paths into 8-bit RGB and one-channel pictures; a data set whose images
    are not files, such as the frames of a video, brings its own.
    """

    path: Path
    anomalous: bool | None = None
    mask: Path | None = None
    open: Callable[[Path], Image.Image] = open_image
    open_mask: Callable[[Path], Image.Image] = open_mask


@dataclass(frozen=True)
class Reader:
    """How a run reads images: with the preprocessing of the model, in batches of one size.

    Args:
        preprocessing: Resize and crop.
        batch_size: Images per batch; the last batch may be smaller.
        workers: Processes that decode ahead; 0 decodes in this one.
    """

    preprocessing: Preprocessing = Preprocessing()
    batch_size: int = 8
    workers: int = 0

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.workers < 0:
            raise BadArgument(
                'Expected "batch_size" of at least 1 and "workers" of at least 0, '
                f"got {self.batch_size} and {self.workers}."
            )

    def batches(self, samples: Sequence[Sample]) -> "ImageBatches":
        """The samples in their order, decoded while they are read.

        Labels are given where every sample of a batch has one. Masks are given where the whole list has
        a mask for each anomalous sample: normal ones are then false everywhere.
        """
        return ImageBatches(tuple(samples), self)


@final
class ImageBatches:
    """Batches of images that are decoded anew in each loop; `len` is the number of batches."""

    def __init__(self, samples: tuple[Sample, ...], reader: Reader) -> None:
        self.samples = samples
        self.reader = reader

    def __len__(self) -> int:
        return -(-len(self.samples) // self.reader.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        masked = all(sample.mask is not None or sample.anomalous is False for sample in self.samples)
        loader = DataLoader(
            _Decoded(self.samples, self.reader.preprocessing, masked=masked),
            batch_size=self.reader.batch_size,
            num_workers=self.reader.workers,
            collate_fn=_collate,
            generator=torch.Generator(),  # else each loop draws from the global one
        )
        for batch in loader:
            if isinstance(batch, PadimkitError):
                raise batch
            yield batch


@dataclass(frozen=True)
class _Item:
    image: Float[Tensor, "3 H W"]
    mask: Bool[Tensor, "H W"] | None
    sample: Sample


class _Decoded(Dataset["_Item | PadimkitError"]):
    """Errors are returned: raised in a worker, they would reach the user with the worker's traceback."""

    def __init__(self, samples: tuple[Sample, ...], preprocessing: Preprocessing, *, masked: bool) -> None:
        self._samples = samples
        self._preprocessing = preprocessing
        self._masked = masked

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> "_Item | PadimkitError":
        sample = self._samples[index]
        try:
            picture = sample.open(sample.path)
            image = self._preprocessing.image(picture)
            mask = self._mask(sample, picture, image) if self._masked else None
        except PadimkitError as error:
            return error
        return _Item(image, mask, sample)

    def _mask(self, sample: Sample, picture: Image.Image, image: Tensor) -> Tensor:
        if sample.mask is None:
            return torch.zeros(image.shape[1:], dtype=torch.bool)
        mask = sample.open_mask(sample.mask)
        if mask.size != picture.size:
            raise BadImage(
                f'The mask "{sample.mask}" is {mask.width} x {mask.height} pixels, '
                f'its image "{sample.path}" is {picture.width} x {picture.height}.'
            )
        return self._preprocessing.mask(mask)


def _collate(decoded: "list[_Item | PadimkitError]") -> Batch | PadimkitError:
    items = []
    for item in decoded:
        if isinstance(item, PadimkitError):
            return item
        items.append(item)
    known = [item.sample.anomalous for item in items if item.sample.anomalous is not None]
    masks = [item.mask for item in items if item.mask is not None]
    return Batch(
        images=torch.stack([item.image for item in items]),
        paths=tuple(str(item.sample.path) for item in items),
        labels=torch.tensor(known) if len(known) == len(items) else None,
        masks=torch.stack(masks) if masks else None,
    )
