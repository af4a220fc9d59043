"""The sizes that a resize gives, for each of the forms in which it is asked for.

Apart from the preprocessing, since people name these forms in Python and in settings.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import PIL
from PIL import Image

Size: TypeAlias = tuple[int, int]  # height and width in pixels
Box: TypeAlias = tuple[int, int, int, int]  # left, top, right and bottom, as Pillow has them
Interpolation: TypeAlias = Literal["bicubic", "bilinear", "bilinear_unfiltered"]
# Since Pillow 13, an image that loses far more rows than columns loses these first; graphs do as it does.
TALL_FIRST = int(PIL.__version__.split(".")[0]) >= 13


@dataclass(frozen=True)
class ShortSide:
    """A resize that keeps the aspect ratio and gives the shorter side this length.

    Args:
        short_side: Pixels of the shorter side.
    """

    short_side: int

    def of(self, size: Size) -> Size:
        """Return the new height and width of an image."""
        return _scaled(size, self.short_side / min(size))


@dataclass(frozen=True)
class LongSide:
    """A resize that keeps the aspect ratio and gives the longer side this length.

    Args:
        long_side: Pixels of the longer side.
    """

    long_side: int

    def of(self, size: Size) -> Size:
        """Return the new height and width of an image."""
        return _scaled(size, self.long_side / max(size))


@dataclass(frozen=True)
class Scale:
    """A resize that keeps the aspect ratio and multiplies both sides.

    Args:
        scale: The factor; 0.5 halves both sides.
    """

    scale: float

    def of(self, size: Size) -> Size:
        """Return the new height and width of an image."""
        return _scaled(size, self.scale)


Resize: TypeAlias = int | Size | ShortSide | LongSide | Scale | None


def resized(resize: Resize, size: Size) -> Size:
    """Return the height and width that an image of this size gets."""
    if resize is None:
        return size
    if isinstance(resize, ShortSide | LongSide | Scale):
        return resize.of(size)
    return square(resize)


def interpolated(picture: Image.Image, size: Size, kind: Interpolation) -> Image.Image:
    """Return an RGB picture of this height and width."""
    height, width = size
    if kind == "bicubic":
        return picture.resize((width, height), Image.Resampling.BICUBIC)
    if kind == "bilinear":
        return picture.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture, np.float32)
    rounded = np.rint(_between(_between(pixels, height, axis=0), width, axis=1))
    return Image.fromarray(rounded.astype(np.uint8))


def _between(pixels: np.ndarray, new: int, *, axis: int) -> np.ndarray:
    """Return this many rows, or columns, each between the two nearest to its place."""
    old = pixels.shape[axis]
    places = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    before = places.astype(np.int64)
    share = (places - before).astype(np.float32).reshape([-1 if one == axis else 1 for one in range(3)])
    after = np.minimum(before + 1, old - 1)
    found: np.ndarray = pixels.take(before, axis) * (1 - share) + pixels.take(after, axis) * share
    return found


def square(side: int | Size) -> Size:
    """Return height and width; one number stands for both."""
    return (side, side) if isinstance(side, int) else side


def _scaled(size: Size, factor: float) -> Size:
    """Return the size times a factor, rounded; no side vanishes."""
    height, width = (max(1, round(side * factor)) for side in size)
    return height, width
