"""The images that users pass, in any form, as batches."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from operator import length_hint
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias, cast, final

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from padimkit.errors import BadArgument, BadImage, BadShape
from padimkit.images.augmentation import Augmentable
from padimkit.images.decoding import as_rgb, list_images
from padimkit.images.reader import Reader, Sample
from padimkit.values import Batch, numbered

if TYPE_CHECKING:
    OneImage: TypeAlias = str | Path | Image.Image | np.ndarray | Tensor | Sample
    Images: TypeAlias = OneImage | Sequence[OneImage] | Batch | Iterable[Batch] | Augmentable
else:
    Images = object  # anything else is refused here, by a message, even if types are checked at run time

UNDERSTOOD = (
    "the path of an image or a folder, a PIL image, an array (height, width), (height, width, 3) or "
    "(images, height, width, 3), a tensor (3, height, width) or (images, 3, height, width), a Sample, "
    "a list of these, or batches"
)


def as_batches(images: Images, reader: Reader) -> Iterable[Batch]:
    """Return batches of the images, which can be read again unless they are an iterator.

    The reader resizes and crops files, pictures, arrays and samples. Tensors and batches are taken as they
    are: RGB of the size that a model sees, in [0, 1]; tensors may be in bytes too.

    Raises:
        BadArgument: They are none of the kinds that are understood.
        BadShape: An array or a tensor does not have a shape that is understood.
        BadImage: A path does not exist, or values are out of range.
        BadData: A folder holds no images.
    """
    if isinstance(images, Augmentable):  # batches from a reader
        return images
    if isinstance(images, Batch):
        return [images]
    if isinstance(images, Tensor):
        return _sliced(_channels_first(images), reader.batch_size)
    if isinstance(images, np.ndarray) and images.ndim == 4:
        images = list(images)
    if isinstance(images, str | Path | Image.Image | np.ndarray | Sample):
        images = [images]
    if not isinstance(images, Sequence):
        if not isinstance(images, Iterable):
            _refuse(images)
        return _Batches(images)
    if images and all(isinstance(image, Batch) for image in images):
        return cast(Sequence[Batch], images)
    if any(isinstance(image, Tensor) for image in images):
        return _sliced(_stacked(images), reader.batch_size)
    return reader.batches(
        [sample for number, image in enumerate(images) for sample in _samples(image, number)]
    )


@final
class _Batches:
    """Batches from a user, each checked to be a `Batch` when it is read."""

    def __init__(self, batches: Iterable[object]) -> None:
        self._batches = batches

    def __length_hint__(self) -> int:
        return length_hint(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._batches:
            if not isinstance(batch, Batch):
                raise BadArgument(
                    f"Expected batches from {type(self._batches).__name__}, got {type(batch).__name__}. "
                    f"Pass {UNDERSTOOD}."
                )
            yield batch


def _samples(image: object, number: int) -> Iterator[Sample]:
    (name,) = numbered(1, number)
    if isinstance(image, Sample):
        yield image
    elif isinstance(image, str | Path):
        yield from _files(Path(image).expanduser())
    elif isinstance(image, Image.Image):
        upright = as_rgb(ImageOps.exif_transpose(image), name)
        yield Sample(Path(getattr(image, "filename", "") or name), open=lambda _: upright)
    elif isinstance(image, np.ndarray):
        picture = _picture(image, name)
        yield Sample(Path(name), open=lambda _: picture)
    else:
        _refuse(image)


def _files(path: Path) -> Iterator[Sample]:
    if not path.exists():
        raise BadImage(f'"{path}" does not exist.')
    yield from map(Sample, list_images(path) if path.is_dir() else [path])


def _picture(array: np.ndarray, name: str) -> Image.Image:
    channels = array.shape[2:]
    if array.ndim not in (2, 3) or channels not in ((), (3,)) or 0 in array.shape:
        raise BadShape(f"{name} is an array of shape {array.shape}. {_hint(array.shape)}Pass {UNDERSTOOD}.")
    if array.shape[0] == 3 == array.shape[-1]:
        raise BadShape(
            f"{name} is an array of shape {array.shape}: channels could be first or last. Pass PIL images."
        )
    return as_rgb(Image.fromarray(array if array.dtype == np.uint8 else _bytes_of(array, name)), name)


def _hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[0] == 3:
        return "Channels come last in arrays and first in tensors: transpose it, or make it a tensor. "
    if len(shape) == 3 and shape[2] == 4:
        return "Leave out transparency: array[..., :3]. "
    if len(shape) == 3:
        return "Pass several grey images as a list of arrays. "
    return ""


def _bytes_of(array: np.ndarray, name: str) -> np.ndarray:
    if not np.issubdtype(array.dtype, np.floating):
        raise BadImage(
            f"{name} is an array of {array.dtype}; expected uint8, or floating-point values from 0 to 1. "
            "Divide by the largest value that the camera can give."
        )
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 1):  # refuses NaN too
        raise BadImage(
            f"{name} has values from {low:g} to {high:g}; expected 0 to 1. Rescale it, or pass bytes."
        )
    return np.rint(array.astype(np.float64) * 255).astype(np.uint8)


def _channels_first(images: Tensor) -> Tensor:
    images = images[None] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[1] != 3:
        last = images.ndim >= 3 and images.shape[-1] == 3
        hint = "Channels come first in tensors: permute it, or pass an array. " if last else ""
        raise BadShape(f"Got a tensor of shape {tuple(images.shape)}. {hint}Pass {UNDERSTOOD}.")
    return images / 255 if images.dtype == torch.uint8 else images


def _stacked(images: Sequence[object]) -> Tensor:
    tensors = [_channels_first(image) for image in images if isinstance(image, Tensor)]
    if len(tensors) < len(images):
        raise BadArgument(f"Tensors and other images are mixed in one list. Pass {UNDERSTOOD}.")
    sizes = {tuple(tensor.shape[2:]) for tensor in tensors}
    if len(sizes) > 1:
        raise BadShape(
            f"Tensors in one list differ in size: {', '.join(f'{h} x {w}' for h, w in sorted(sizes))}."
        )
    return torch.cat(tensors)


def _sliced(images: Tensor, size: int) -> list[Batch]:
    whole = images.float() if images.is_floating_point() else images
    parts = [Batch(part, numbered(len(part))) for part in torch.split(whole, size)]
    return [replace(part, paths=numbered(len(part.paths), size * index)) for index, part in enumerate(parts)]


def _refuse(images: object) -> NoReturn:
    raise BadArgument(f"{type(images).__name__} is not understood as images. Pass {UNDERSTOOD}.")
