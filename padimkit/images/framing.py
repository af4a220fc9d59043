"""The settings that decide which pixels of an image a model sees, and where; without torch.

Apart from the preprocessing, since exported models place images without torch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from padimkit.errors import BadShape
from padimkit.images.decoders import MOST_PIXELS
from padimkit.images.forms import misfit
from padimkit.images.geometry import Geometry
from padimkit.images.resizing import Box, Interpolation, Resize, Size, interpolated, resized, square


@dataclass(frozen=True)
class Framing:
    """A resize, a padding and a crop, as `Preprocessing` has them, of a box of the original image.

    Args:
        resize: Size after resizing.
        crop: Size of the centre that is kept.
        pad: Size to which resized images are padded before the crop.
        box: Left, top, right and bottom of all that is read of the original.
        tile: Size of the tiles that the result must hold.
        most_pixels: The most that a file is decoded with, or enlarged to.
        interpolation: That of images; masks take the nearest pixel.
    """

    resize: Resize
    crop: int | Size | None
    pad: int | Size | None
    box: Box | None
    tile: int | Size | None
    most_pixels: int = MOST_PIXELS
    interpolation: Interpolation = "bicubic"

    def geometry(self, size: Size) -> Geometry:
        """Return the place that the pixels of an image of this height and width get.

        Raises:
            BadShape: The image has no pixels, the box reaches beyond it, or the resized image is larger than
                `most_pixels` or than the padding, smaller than the crop, or smaller than a tile.
        """
        if min(size) < 1:
            raise BadShape(f"An image of {size[0]} x {size[1]} pixels (height x width) has no pixels.")
        box = self.box or (0, 0, size[1], size[0])
        if box[2] > size[1] or box[3] > size[0]:
            raise BadShape(
                f"An image of {size[0]} x {size[1]} pixels (height x width) does not hold the box "
                f'{list(box)} (left, top, right, bottom) of "roi".'
            )
        new = resized(self.resize, size_of(box))
        if new[0] * new[1] > max(self.most_pixels, size[0] * size[1]):
            raise BadShape(
                f"An image of {size[0]} x {size[1]} pixels (height x width) becomes {new[0]} x {new[1]} by "
                '"resize", more than "most_pixels". Set another "resize".'
            )
        padded = new if self.pad is None else square(self.pad)
        seen = padded if self.crop is None else square(self.crop)
        if any(side > most for side, most in zip(new, padded, strict=True)):
            raise BadShape(misfit(size, new, "larger than", "pad", padded))
        if any(side < least for side, least in zip(padded, seen, strict=True)):
            raise BadShape(misfit(size, padded, "smaller than", "crop", seen))
        if self.tile is not None and any(s < t for s, t in zip(seen, square(self.tile), strict=True)):
            raise BadShape(misfit(size, seen, "smaller than", "tiles.size", square(self.tile)))
        top, left = (
            (outer - inner) // 2 - (outer - side) // 2  # of padding, minus what is cropped
            for inner, outer, side in zip(new, padded, seen, strict=True)
        )
        return Geometry(size, box, new, (left, top), seen)

    def fit(self, picture: Image.Image) -> np.ndarray:
        """Return the pixels "H W 3" of a picture, resized, padded and cropped.

        Raises:
            BadShape: It does not fit.
        """
        return self._fitted(picture, lambda part, size: interpolated(part, size, self.interpolation))

    def fit_mask(self, mask: Image.Image) -> np.ndarray:
        """Return the pixels "H W" of a mask in the same places.

        Raises:
            BadShape: It does not fit.
        """
        return self._fitted(mask, lambda part, size: part.resize(size[::-1], Image.Resampling.NEAREST))

    def _fitted(self, picture: Image.Image, resize: Callable[[Image.Image, Size], Image.Image]) -> np.ndarray:
        geometry = self.geometry((picture.height, picture.width))
        part = picture if self.box is None else picture.crop(self.box)
        pixels = np.asarray(part if self.resize is None else resize(part, geometry.resized))
        margins = [*geometry.margins, (0, 0)][: pixels.ndim]
        return np.pad(pixels[geometry.kept], margins, mode="edge")  # a copy, even without margins


def size_of(box: Box) -> Size:
    """Return height and width of a box."""
    return box[3] - box[1], box[2] - box[0]
