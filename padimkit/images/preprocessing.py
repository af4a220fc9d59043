"""The resize, padding and crop of a model, and the conversion of pictures to tensors."""

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor

from padimkit.errors import BadArgument, BadShape
from padimkit.images.decoding import as_rgb
from padimkit.images.geometry import Geometry
from padimkit.images.resizing import LongSide, Resize, Scale, ShortSide, Size, resized, square
from padimkit.images.tiles import Tiles

Pixels = TypeVar("Pixels", np.ndarray, Tensor)


@dataclass(frozen=True)
class Preprocessing:
    """A resize, then a crop of the centre (PaDiM paper, experimental setup: 256 to a square, then 224).

    Sizes are a side of a square or [height, width] in pixels.

    Args:
        resize: Size after bicubic resizing (masks: nearest), whatever the aspect ratio was; or {short_side:
            PIXELS}, {long_side: PIXELS} or {scale: FACTOR}, which keep it; null for no resize.
        crop: Size of the centre that is kept; null to keep all.
        pad: Size to which resized images are then padded, before the crop, with the image in the middle and
            its edges repeated; null for no padding.
        tiles: {size: PIXELS, overlap: PIXELS} for tiles that the backbone sees one by one, in place of large
            images that would lose small defects if they were resized; null for none.
    """

    resize: Resize = 256
    crop: int | Size | None = 224
    pad: int | Size | None = None
    tiles: Tiles | None = None

    def __post_init__(self) -> None:
        for name in ("resize", "crop", "pad"):
            object.__setattr__(self, name, as_size(name, getattr(self, name)))
        fixed = self.resize if isinstance(self.resize, int | tuple) else None
        outer = ("resize", fixed) if self.pad is None else ("pad", self.pad)
        for (name, inner), (other, limit) in ((("crop", self.crop), outer), (("resize", fixed), outer)):
            if inner is not None and limit is not None:
                _require_within(name, inner, other, limit)
        for name in ("resize", "crop", "pad"):
            _require_positive(name, getattr(self, name))
        if self.tiles is not None:
            _require_tiles(self.tiles, self.size)

    def __repr__(self) -> str:
        changed = [field for field in fields(self) if getattr(self, field.name) != field.default]
        return f"Preprocessing({', '.join(f'{one.name}={getattr(self, one.name)!r}' for one in changed)})"

    @property
    def size(self) -> Size | None:
        """Height and width of all images as a model sees them; None if they depend on the image."""
        for size in (self.crop, self.pad):
            if size is not None:
                return square(size)
        return square(self.resize) if isinstance(self.resize, int | tuple) else None

    def geometry(self, size: Size) -> Geometry:
        """Return the place that the pixels of an image of this height and width get.

        Raises:
            BadShape: The resized image is larger than the padding, or smaller than the crop.
        """
        new = resized(self.resize, size)
        padded = new if self.pad is None else square(self.pad)
        seen = padded if self.crop is None else square(self.crop)
        if any(side > most for side, most in zip(new, padded, strict=True)):
            raise BadShape(_misfit(size, new, "larger than", "pad", padded))
        if any(side < least for side, least in zip(padded, seen, strict=True)):
            raise BadShape(_misfit(size, padded, "smaller than", "crop", seen))
        if self.tiles is not None and any(s < t for s, t in zip(seen, square(self.tiles.size), strict=True)):
            raise BadShape(_misfit(size, seen, "smaller than", "tiles.size", square(self.tiles.size)))
        top, left = (
            (outer - inner) // 2 - (outer - side) // 2  # of padding, minus what is cropped
            for inner, outer, side in zip(new, padded, seen, strict=True)
        )
        return Geometry(size, new, (left, top), seen)

    def to_original(self, points: Float[np.ndarray, "*n 2"], size: Size) -> Float[np.ndarray, "*n 2"]:
        """Return points of the model's image as points of an original of this height and width.

        Points are (x, y) in pixels from the upper left corner of the image; `Geometry` has the convention.
        """
        return self.geometry(size).to_original(points)

    def to_model(self, points: Float[np.ndarray, "*n 2"], size: Size) -> Float[np.ndarray, "*n 2"]:
        """Return points of an original of this height and width as points of the model's image."""
        return self.geometry(size).to_model(points)

    def image(self, picture: Image.Image) -> Float[Tensor, "3 H W"]:
        """Return the picture, of any mode, as a model sees it: RGB in [0, 1].

        Raises:
            BadImage: Its values are out of the range of its mode.
            BadShape: Its size does not fit the padding or the crop.
        """
        return as_images(self.pixels(as_rgb(picture, "the picture"))[None])[0].contiguous()

    def pixels(self, picture: Image.Image) -> UInt8[np.ndarray, "H W 3"]:
        """Return an RGB picture resized, padded and cropped, in bytes: a quarter of the size of floats."""
        return self._fit(picture, Image.Resampling.BICUBIC)

    def mask(self, picture: Image.Image) -> Bool[Tensor, "H W"]:
        """Return a one-channel mask at the model's size, true where a pixel is above 0."""
        return torch.from_numpy(self._fit(picture, Image.Resampling.NEAREST) > 0)

    def _fit(self, picture: Image.Image, resampling: Image.Resampling) -> np.ndarray:
        geometry = self.geometry((picture.height, picture.width))
        height, width = geometry.resized
        resized = picture if self.resize is None else picture.resize((width, height), resampling)
        pixels = np.asarray(resized)
        margins = [*geometry.margins, (0, 0)][: pixels.ndim]
        return np.pad(pixels[geometry.kept], margins, mode="edge")  # a copy, even without margins


def as_size(name: str, value: object) -> object:
    """Return a list as the pair that it stands for, and other forms of a size as they are."""
    pair = isinstance(value, list | tuple) and len(value) == 2 and all(type(side) is int for side in value)
    forms = (ShortSide, LongSide, Scale) if name == "resize" else ()
    if not (pair or value is None or type(value) is int or isinstance(value, forms)):
        more = ", a ShortSide, a LongSide, a Scale" if forms else ""
        raise BadArgument(
            f'Expected "{name}" to be a number of pixels, [height, width]{more} or none, got {value!r}.'
        )
    return tuple(value) if isinstance(value, list) else value


def _require_within(name: str, inner: int | Size, other: str, limit: int | Size) -> None:
    if not all(1 <= side <= most for side, most in zip(square(inner), square(limit), strict=True)):
        raise BadArgument(
            f'Expected 1 <= "{name}" <= "{other}", got {name} {_text(inner)} and {other} {_text(limit)}.'
        )


def _require_positive(name: str, value: object) -> None:
    if isinstance(value, int | tuple) and min(square(value)) < 1:
        raise BadArgument(f'Expected "{name}" of at least 1 pixel, got {_text(value)}.')
    if isinstance(value, ShortSide | LongSide | Scale):  # settings make them where no error could be raised
        for key, number in vars(value).items():
            if not 0 < number < float("inf"):
                raise BadArgument(f'Expected "{name}.{key}" above 0, got {number}.')


def _require_tiles(tiles: Tiles, size: Size | None) -> None:
    _require_positive("tiles.size", tiles.size)
    if size is not None:
        _require_within("tiles.size", tiles.size, "size of the images", size)
    if not 0 <= tiles.overlap < min(square(tiles.size)):
        raise BadArgument(
            f'Expected "tiles.overlap" of at least 0 and below "tiles.size", got {tiles.overlap} and '
            f"{_text(tiles.size)}."
        )


def _text(size: int | Size) -> str:
    return str(list(size) if isinstance(size, tuple) else size)


def _misfit(original: Size, found: Size, relation: str, name: str, limit: Size) -> str:
    first, last, wanted = (f"{height} x {width}" for height, width in (original, found, limit))
    return (
        f"An image of {first} pixels (height x width) becomes {last} by the preprocessing, which is "
        f'{relation} "{name}", {wanted}. Set another "{name}" or "resize".'
    )


def centre(pixels: Pixels, size: Size) -> Pixels:
    """Return the part of this height and width in the middle of pixels "H W ...".

    Raises:
        BadArgument: The pixels are fewer than that.
    """
    (height, width), (rows, columns) = pixels.shape[:2], size
    if height < rows or width < columns:
        raise BadArgument(
            f'A centre of {rows} x {columns} pixels ("crop") cannot be cut from {height} x {width} pixels '
            "(height x width)."
        )
    top, left = (height - rows) // 2, (width - columns) // 2
    return pixels[top : top + rows, left : left + columns]


def as_images(pixels: UInt8[np.ndarray, "b H W 3"]) -> Float[Tensor, "b 3 H W"]:
    """Return bytes as images in [0, 1] with channels last in memory, which suits convolutions on a CPU."""
    return torch.from_numpy(pixels).float().div_(255).permute(0, 3, 1, 2)
