"""The place of a model's pixels in an original image.

A value of its own, which people take from the preprocessing and keep.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from padimkit.images.preprocessor import Preprocessor
from padimkit.images.resizing import Box, Size


@dataclass(frozen=True)
class Geometry:
    """The way from an original image, upright as its EXIF orientation says, to what a model sees of it.

    Points are (x, y) in pixels, x to the right and y down, from the upper left corner of the image, which is
    the corner of a pixel and not its centre: column i of row j covers (i, j) to (i + 1, j + 1), and its
    centre is (i + 0.5, j + 0.5). The corners of a box around columns 3 to 5 are therefore x = 3 and x = 6.

    Args:
        original: Height and width of the original image.
        box: Left, top, right and bottom of the part of it that is resized, after any change by `first`.
        resized: Height and width of that part after the resize.
        offset: Column and row of the resized image's corner in what the model sees; negative where a crop
            cuts it off, positive where it is padded.
        size: Height and width of what the model sees.
        first: Changes the original before all else, if anything does.
    """

    original: Size
    box: Box
    resized: Size
    offset: tuple[int, int]
    size: Size
    first: Preprocessor | None = None

    @property
    def framed(self) -> "Geometry":
        """The way from the original as `first` has changed it."""
        return self if self.first is None else replace(self, original=self._changed, first=None)

    def to_original(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Return points of the model's image as points of the original; those of a padding lie outside it."""
        return self._back((points - np.array(self.offset)) / self._scale + np.array(self.box[:2]))

    def within(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Return points of the model's image as points of the original, those of a padding at its edges."""
        left, top, right, bottom = self.box
        return self._back(np.clip(self.framed.to_original(points), (left, top), (right, bottom)))

    def to_model(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Return points of the original image as points of what the model sees, which may lie outside it."""
        changed = points if self.first is None else self.first.to_changed(points, self.original)
        return np.asarray((changed - np.array(self.box[:2])) * self._scale + np.array(self.offset))

    @property
    def kept(self) -> tuple[slice, slice]:
        """The rows and the columns of the resized image that the model sees."""
        rows, columns = (
            slice(max(0, -start), min(length, most - start))
            for length, start, most in zip(self.resized, self.offset[::-1], self.size, strict=True)
        )
        return rows, columns

    @property
    def margins(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The rows of padding above and below, and its columns on the left and on the right."""
        vertical, horizontal = (
            (max(0, start), max(0, most - start - length))
            for length, start, most in zip(self.resized, self.offset[::-1], self.size, strict=True)
        )
        return vertical, horizontal

    @property
    def seen(self) -> float:
        """The share of the image, as `first` has changed it, that the model looks at, from 0 to 1."""
        rows, columns = self.kept
        left, top, right, bottom = self.box
        kept = (rows.stop - rows.start) * (columns.stop - columns.start) / math.prod(self.resized)
        return float(kept * ((right - left) * (bottom - top) / math.prod(self._changed)))

    @property
    def _changed(self) -> Size:
        return self.original if self.first is None else self.first.size(self.original)

    def _back(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Return points of the picture that is resized as points of the original."""
        return np.asarray(points if self.first is None else self.first.to_original(points, self.original))

    @property
    def _scale(self) -> Float[np.ndarray, "2"]:
        """Pixels of the resized image for each pixel of the original, along x and y."""
        (height, width), (left, top, right, bottom) = self.resized, self.box
        return np.array([width / (right - left), height / (bottom - top)])
