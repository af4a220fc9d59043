"""Pictures of what people have in memory, PIL images and arrays; without torch.

Apart from the other forms of images, since exported models take these without torch.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from padimkit.errors import BadImage, BadShape
from padimkit.images.decoding import as_rgb, in_eight_bits
from padimkit.images.depth import is_deep

UNDERSTOOD = (
    "paths, folders, PIL images, arrays (height, width), (height, width, 3) or (images, height, width, 3), "
    "tensors (3, height, width) or (images, 3, height, width), samples or batches"
)


@dataclass(frozen=True)
class Held:
    """A way to open a picture that is in memory, upright and of any depth.

    Args:
        channels: The picture; or three, the colours of one that has 16 bits, which Pillow cannot hold in one.
    """

    channels: tuple[Image.Image, ...]

    def __call__(self, path: Path) -> Image.Image:
        """Return the picture, of colours of 16 bits the upper 8."""
        return self.channels[0] if len(self.channels) == 1 else self.in_eight_bits(path, None)

    def in_eight_bits(self, name: Path | str, bits: int | None) -> Image.Image:
        """Return the picture as 8-bit RGB; `bits` is its depth if it has more than 8.

        Raises:
            BadImage: Its values are out of range; the message holds `name`.
        """
        only = self.channels[0]
        done = len(self.channels) == 1 and only.mode == "RGB"
        return only if done else in_eight_bits(self.channels, name, bits)


def held(image: Image.Image | np.ndarray, name: str) -> Held:
    """Return a PIL image or an array as a way to open it.

    Raises:
        BadShape: An array does not have a shape that is understood.
        BadImage: It cannot be decoded, is empty, or has values out of range.
    """
    return Held((upright(image, name),) if isinstance(image, Image.Image) else _channels_of(image, name))


def name_in(image: Image.Image | np.ndarray, name: str) -> str:
    """Return the path at which a PIL image was opened; the name if there is none, and for an array."""
    path = getattr(image, "filename", "") if isinstance(image, Image.Image) else ""
    return os.fsdecode(path) or name


def upright(picture: Image.Image, name: str) -> Image.Image:
    """Return a PIL image, turned as its EXIF orientation says: in RGB, or as it is if it has 16 bits.

    Raises:
        BadImage: It cannot be decoded, is empty, or Pillow has dropped bits of it.
    """
    try:
        if is_deep(picture):
            raise BadImage(
                f"The PIL image {name} has 16 bits per colour, of which Pillow keeps 8. Pass its path."
            )
        upright = ImageOps.exif_transpose(picture)
        eight = as_rgb(upright, name)  # refuses what no depth allows
    except (OSError, SyntaxError, ValueError) as error:
        raise BadImage(f"The PIL image {name} cannot be decoded: {error}.") from error
    if 0 in upright.size:
        raise BadImage(f"The PIL image {name} is empty: {upright.width} x {upright.height} pixels.")
    return upright if upright.mode.startswith("I") else eight  # whose depth is known with all others


def _channels_of(array: np.ndarray, name: str) -> tuple[Image.Image, ...]:
    """Return an array, grey or of three colours, as an RGB picture, or as one or three of 16 bits."""
    channels = array.shape[2:]
    if array.ndim not in (2, 3) or channels not in ((), (3,)) or 0 in array.shape:
        raise BadShape(
            f"{name} is an array of shape {array.shape}. {hint(array.shape)}Pass arrays (height, width) or "
            "(height, width, 3)."
        )
    if array.shape[0] == 3 == array.shape[-1]:
        raise BadShape(
            f"{name} is an array of shape {array.shape}: channels could be first or last. Pass PIL images."
        )
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:  # in any order of bytes
        colours = np.moveaxis(np.atleast_3d(array.astype(np.uint16)), 2, 0)
        return tuple(Image.fromarray(one) for one in colours)
    return (as_rgb(Image.fromarray(array if array.dtype == np.uint8 else _bytes_of(array, name)), name),)


def hint(shape: tuple[int, ...]) -> str:
    """Return a sentence on what to do with an array of a shape that is not understood, if that is clear."""
    if len(shape) == 3 and shape[2] == 1:
        return "Leave out the single channel: array[..., 0]. "
    if len(shape) == 3 and shape[0] == 3 and 0 not in shape:
        return "Channels come last in arrays and first in tensors: transpose it, or make it a tensor. "
    if len(shape) == 3 and shape[2] == 4:
        return "Leave out transparency: array[..., :3]. "
    if len(shape) == 3 and 0 not in shape:
        return "Pass several grey images as a list of arrays. "
    return ""


def _bytes_of(array: np.ndarray, name: str) -> np.ndarray:
    if not np.issubdtype(array.dtype, np.floating):
        hint = "Divide by the largest value that the camera can give." if array.dtype.kind in "iu" else ""
        found = f"{name} is an array of {array.dtype}; expected uint8, uint16, or floats from 0 to 1."
        raise BadImage(f"{found} {hint}".strip())
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 1):  # refuses NaN too
        raise BadImage(
            f"{name} has values from {low:g} to {high:g}; expected 0 to 1. Rescale it, or pass bytes."
        )
    return np.rint(array.astype(np.float64) * 255).astype(np.uint8)
