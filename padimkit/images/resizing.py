"""The sizes that a resize gives, for each of the forms in which it is asked for.

Apart from the preprocessing, since people name these forms in Python and in settings.
"""

from dataclasses import dataclass
from typing import TypeAlias

Size: TypeAlias = tuple[int, int]  # height and width in pixels
Box: TypeAlias = tuple[int, int, int, int]  # left, top, right and bottom, as Pillow has them


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


def square(side: int | Size) -> Size:
    """Return height and width; one number stands for both."""
    return (side, side) if isinstance(side, int) else side


def _scaled(size: Size, factor: float) -> Size:
    """Return the size times a factor, rounded; no side vanishes."""
    height, width = (max(1, round(side * factor)) for side in size)
    return height, width
