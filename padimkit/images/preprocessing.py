"""The resize, padding and crop of a model, and the conversion of pictures to tensors."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import ClassVar, TypeVar, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor

from padimkit.arguments import require_choice, require_kind, require_whole
from padimkit.errors import BadArgument, BadImage
from padimkit.images.decoders import MOST_EVER, MOST_PIXELS
from padimkit.images.decoding import as_rgb, open_mask
from padimkit.images.depth import DEPTHS, Bits
from padimkit.images.forms import (
    as_region,
    as_size,
    as_tiles,
    require_positive,
    require_tiles,
    require_within,
)
from padimkit.images.framing import Framing, size_of
from padimkit.images.geometry import Geometry
from padimkit.images.preprocessor import Preprocessor
from padimkit.images.resizing import Box, Interpolation, Resize, Size, resized, square
from padimkit.images.tiles import Tiles

Pixels = TypeVar("Pixels", np.ndarray, Tensor)


@dataclass(frozen=True)
class Preprocessing:
    """A resize, then a crop of the centre (PaDiM paper, experimental setup: 256 to a square, then 224).

    Sizes are a side of a square or [height, width] in pixels.

    Args:
        resize: Size after resizing, whatever the aspect ratio was; or {short_side: PIXELS}, {long_side:
            PIXELS} or {scale: FACTOR}, which keep it; null for no resize.
        crop: Size of the centre that is kept; null to keep all.
        pad: Size to which resized images are then padded, before the crop, with the image in the middle and
            its edges repeated; null for no padding.
        roi: Region of interest: [left, top, right, bottom] in pixels of the original image, all that is read
            of it; or the path of a mask image, resized as the images are, whose black pixels score 0. The
            mask is stored with the model; image scores of a density's own do not heed it.
        bits: Bits that the camera uses of files with more than 8 per channel: white is the largest number of
            this many bits. "auto" takes those of the largest value of the training images, and keeps them.
        tiles: {size: PIXELS, overlap: PIXELS} for tiles that the backbone sees one by one, in place of large
            images that would lose small defects if they were resized; null for none.
        most_pixels: The most that a file is decoded with, within a minute of processor time; if it is raised,
            the time is too, in proportion. Larger files are refused before they are decoded.
        interpolation: "bicubic" (PaDiM paper, experimental setup) or "bilinear", with filters that grow as
            images shrink; "bilinear_unfiltered" takes the four nearest pixels however much they shrink, as
            OpenCV does in MahalanobisAD's program (ORippler/gaussian-ad-mvtec), so that fine detail aliases.
            Masks take the nearest pixel.
        first: Changes each picture before all else, such as {class_path: perspective}; the other sizes and
            boxes are then those of the changed picture.
    """

    unsaid: ClassVar[tuple[str, ...]] = ("first",)  # younger than settings that are stored: left out if null

    resize: Resize = 256
    crop: int | Size | None = 224
    pad: int | Size | None = None
    roi: Box | Path | None = None
    bits: Bits = "auto"
    tiles: Tiles | None = None
    most_pixels: int = MOST_PIXELS
    interpolation: Interpolation = "bicubic"
    first: Preprocessor | None = None

    def __post_init__(self) -> None:
        for name in ("resize", "crop", "pad"):
            object.__setattr__(self, name, as_size(name, getattr(self, name)))
        object.__setattr__(self, "roi", as_region(self.roi))
        fixed = self.resize if isinstance(self.resize, int | tuple) else None
        outer = ("resize", fixed) if self.pad is None else ("pad", self.pad)
        for (name, inner), (other, limit) in ((("crop", self.crop), outer), (("resize", fixed), outer)):
            if inner is not None and limit is not None:
                require_within(name, inner, other, limit)
        if self.first is not None:
            require_kind("first", self.first, Preprocessor)
        if self.bits not in ("auto", *DEPTHS):
            raise BadArgument(f'Expected "bits" to be auto, 8, 10, 12, 14 or 16, got {self.bits!r}.')
        for name in ("resize", "crop", "pad"):
            require_positive(name, getattr(self, name))
        require_whole("most_pixels", self.most_pixels, 1, MOST_EVER)
        require_choice("interpolation", self.interpolation, get_args(Interpolation))
        object.__setattr__(self, "tiles", as_tiles(self.tiles))
        if self.tiles is not None:
            require_tiles(self.tiles, self.size)

    def __repr__(self) -> str:
        changed = [field for field in fields(self) if getattr(self, field.name) != field.default]
        return f"Preprocessing({', '.join(f'{one.name}={getattr(self, one.name)!r}' for one in changed)})"

    @property
    def size(self) -> Size | None:
        """Height and width of all images as a model sees them; None if they depend on the image."""
        for size in (self.crop, self.pad):
            if size is not None:
                return square(size)
        if isinstance(self.roi, tuple):
            return resized(self.resize, size_of(self.roi))
        return square(self.resize) if isinstance(self.resize, int | tuple) else None

    @property
    def depth(self) -> int | None:
        """Bits of files with more than 8 per channel; None if not known, and they are read as 16 bits."""
        return None if self.bits == "auto" else self.bits

    @property
    def framing(self) -> Framing:
        """The settings that decide which pixels are seen, and where."""
        box = self.roi if isinstance(self.roi, tuple) else None
        tile = None if self.tiles is None else self.tiles.size
        return Framing(self.resize, self.crop, self.pad, box, tile, self.most_pixels, self.interpolation)

    def geometry(self, size: Size) -> Geometry:
        """Return the place that the pixels of an image of this height and width get.

        Raises:
            BadShape: The region of interest reaches beyond the image, or the resized image is larger than
                `most_pixels` or than the padding, smaller than the crop, or smaller than a tile.
        """
        if self.first is None:
            return self.framing.geometry(size)
        return replace(self.framing.geometry(self.first.size(size)), original=size, first=self.first)

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
        return self.framing.fit(picture if self.first is None else self.first.image(picture))

    def mask(self, picture: Image.Image) -> Bool[Tensor, "H W"]:
        """Return a one-channel mask at the model's size, true where a pixel is above 0."""
        changed = picture if self.first is None else self.first.mask(picture)
        return torch.from_numpy(self.framing.fit_mask(changed) > 0)

    def region(self) -> Bool[Tensor, "H W"] | None:
        """Return what the mask of the region of interest marks, at the model's size; None without a mask.

        Raises:
            BadImage: The mask cannot be read, or marks nothing.
        """
        if not isinstance(self.roi, Path):
            return None
        found = self.mask(open_mask(self.roi, self.most_pixels))
        if not found.any():
            raise BadImage(f'The mask "{self.roi}" ("roi") is black where the model looks. Mark the region.')
        return found


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
