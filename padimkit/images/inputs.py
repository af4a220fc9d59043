"""The images that users pass, in any form, as batches."""

from collections.abc import Iterable, Iterator, Sequence
from io import IOBase
from itertools import islice
from operator import length_hint
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias, cast, final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from padimkit.errors import BadArgument, BadImage, BadShape
from padimkit.images.augmentation import Augmentable
from padimkit.images.listing import list_images
from padimkit.images.pages import page_of, pages_of
from padimkit.images.pictures import UNDERSTOOD, held, hint, name_in
from padimkit.images.reader import Reader
from padimkit.images.sample import Sample
from padimkit.values import Batch, numbered

if TYPE_CHECKING:
    OneImage: TypeAlias = str | Path | Image.Image | np.ndarray | Tensor | Sample
    Images: TypeAlias = OneImage | Sequence[OneImage] | Batch | Iterable[Batch] | Augmentable
else:
    Images = object  # anything else is refused here, by a message, even if types are checked at run time

_CONTENT = (bytes, bytearray, memoryview, IOBase)  # of files, which are iterable, but not as images


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
        images = _split(images)
    if isinstance(images, str | Path | Image.Image | np.ndarray | Sample):
        images = [images]
    if isinstance(images, _CONTENT) or not isinstance(images, Iterable):
        _refuse(images)
    return _listed(images, reader) if isinstance(images, Sequence) else _Stream(images, reader)


def _listed(images: Sequence[object], reader: Reader, start: int = 0) -> Iterable[Batch]:
    """Return batches of images in a list, whose numbers begin with `start`."""
    if images and all(isinstance(image, Batch) for image in images):
        return cast(Sequence[Batch], images)
    if any(isinstance(image, Tensor) for image in images):
        return _sliced(_stacked(images), reader.batch_size, start)
    named = enumerate(images, start)
    return reader.batches([sample for number, image in named for sample in samples_of(image, number)])


@final
class _Stream:
    """Batches of images that are no list, such as those of a generator, taken as they come."""

    def __init__(self, images: Iterable[object], reader: Reader) -> None:
        self._images = images
        self._reader = reader

    def __length_hint__(self) -> int:
        return length_hint(self._images)

    def __iter__(self) -> Iterator[Batch]:
        iterator, start = iter(self._images), 0
        for first in iterator:
            if isinstance(first, Batch):
                yield first
                continue
            portion = [first, *islice(iterator, self._reader.batch_size - 1)]
            for batch in _listed(portion, self._reader, start):
                start += len(batch.paths)
                yield batch


def samples_of(image: object, number: int) -> Iterator[Sample]:
    """Yield the sample of one image that is not a tensor, or those of all images in a folder.

    Raises:
        BadArgument: It is not understood; `number` names an image that has no path.
        BadShape: An array does not have a shape that is understood.
        BadImage: A path does not exist, or values are out of range.
        BadData: A folder holds no images.
    """
    (name,) = numbered(1, number)
    if isinstance(image, Sample):
        yield image
    elif isinstance(image, str | Path):
        yield from _files(image)
    elif isinstance(image, Image.Image):
        yield Sample(Path(name_in(image, name)), open=held(image, name))
    elif isinstance(image, np.ndarray):
        yield Sample(Path(name), open=held(image, name))
    else:
        _refuse(image)


def _files(name: str | Path) -> Iterator[Sample]:
    if not str(name):  # else an empty variable would mean all images below this folder
        raise BadArgument("A path is empty. Pass that of an image or a folder.")
    path = Path(name).expanduser()
    if not (path.exists() or page_of(path).exists):
        raise BadImage(f'"{path}" does not exist.')
    yield from map(Sample, list_images(path) if path.is_dir() else pages_of(path))


def _split(images: np.ndarray) -> list[np.ndarray]:
    if images.shape[-1] != 3:
        raise BadShape(f"Got an array of shape {images.shape}. {hint(images.shape[1:])}Pass {UNDERSTOOD}.")
    return list(images)


def _channels_first(images: Tensor) -> Tensor:
    images = images[None] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[1] != 3:
        last = images.ndim >= 3 and images.shape[-1] == 3
        hint = "Channels come first in tensors: permute it, or pass an array. " if last else ""
        raise BadShape(
            f"Got a tensor of shape {tuple(images.shape)}. {hint}Pass (3, height, width), or (images, 3, "
            "height, width) for several."
        )
    if images.dtype == torch.uint8:
        return images / 255
    if not images.is_floating_point():
        raise BadImage(
            f"Expected a tensor of floating-point values from 0 to 1, or of bytes, got {images.dtype}. "
            "Divide it by the largest value that the camera can give."
        )
    return images


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


def _sliced(images: Tensor, size: int, start: int = 0) -> list[Batch]:
    whole = images.detach().float()
    parts = [(first, whole[first : first + size]) for first in range(0, len(whole), size)]
    return [Batch(part, numbered(len(part), start + first)) for first, part in parts]


def _refuse(images: object) -> NoReturn:
    if isinstance(images, _CONTENT):
        raise BadArgument("Bytes are not understood. Open them: PIL.Image.open(io.BytesIO(content)).")
    raise BadArgument(f"{type(images).__name__} is not understood as images. Pass {UNDERSTOOD}.")
