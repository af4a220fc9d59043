"""The resize and crop of a model, and the conversion of pictures to tensors."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor

from padimkit.errors import BadArgument
from padimkit.images.decoding import as_rgb

Pixels = TypeVar("Pixels", np.ndarray, Tensor)


@dataclass(frozen=True)
class Preprocessing:
    """A resize to a square, then a crop of its centre (PaDiM paper, experimental setup: 256, then 224).

    Args:
        resize: Side in pixels after bicubic resizing (masks: nearest); the aspect ratio is not kept.
        crop: Side in pixels of the centre that is kept; equal to `resize` to keep all.
    """

    resize: int = 256
    crop: int = 224

    def __post_init__(self) -> None:
        if not 1 <= self.crop <= self.resize:
            raise BadArgument(
                f'Expected 1 <= "crop" <= "resize", got crop {self.crop} and resize {self.resize}.'
            )

    def image(self, picture: Image.Image) -> Float[Tensor, "3 H W"]:
        """Return the picture, of any mode, as a model sees it: RGB in [0, 1].

        Raises:
            BadImage: Its values are out of the range of its mode.
        """
        return as_images(self.pixels(as_rgb(picture, "the picture"))[None])[0].contiguous()

    def pixels(self, picture: Image.Image) -> UInt8[np.ndarray, "H W 3"]:
        """Return an RGB picture resized and cropped, in bytes: a quarter of the size of floats."""
        return np.array(self._fit(picture, Image.Resampling.BICUBIC))

    def mask(self, picture: Image.Image) -> Bool[Tensor, "H W"]:
        """Return a one-channel mask at the model's size, true where a pixel is above 0."""
        return torch.from_numpy(np.asarray(self._fit(picture, Image.Resampling.NEAREST)) > 0)

    def _fit(self, picture: Image.Image, resampling: Image.Resampling) -> Image.Image:
        offset = (self.resize - self.crop) // 2
        box = (offset, offset, offset + self.crop, offset + self.crop)
        return picture.resize((self.resize, self.resize), resampling).crop(box)


def centre(pixels: Pixels, side: int) -> Pixels:
    """Return the square of this side in the middle of pixels "H W ...".

    Raises:
        BadArgument: The pixels are fewer than the square needs.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < side:
        raise BadArgument(
            f'A centre of {side} x {side} pixels ("crop") cannot be cut from {width} x {height} pixels.'
        )
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def as_images(pixels: UInt8[np.ndarray, "b H W 3"]) -> Float[Tensor, "b 3 H W"]:
    """Return bytes as images in [0, 1] with channels last in memory, which suits convolutions on a CPU."""
    return torch.from_numpy(pixels).float().div_(255).permute(0, 3, 1, 2)
