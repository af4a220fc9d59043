"""The bit depth of image files, whose values a camera may not fill.

Apart from the decoding of files, since only those with more than 8 bits need it.
"""

import sys
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import numpy as np
from PIL import Image, ImageOps

from padimkit.errors import BadImage
from padimkit.images.pages import Page

Depth: TypeAlias = Literal[8, 10, 12, 14, 16]
Bits: TypeAlias = Literal["auto", 8, 10, 12, 14, 16]
DEPTHS: tuple[Depth, ...] = (8, 10, 12, 14, 16)
_OTHER_BYTE = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}


def depth_of(largest: Iterable[int | None]) -> Depth:
    """Return the smallest depth that holds the largest values; None stands for an image of 8 bits."""
    most = max((value for value in largest if value is not None), default=0)
    return next((bits for bits in DEPTHS if most < 2**bits), 16)


def deep_colours(picture: Image.Image, page: Page) -> list[Image.Image]:
    """Return the upright colours of a page that is deep, each as a picture of 16 bits.

    Pillow keeps the upper byte of each colour, in `picture`. Told that the bytes are the other way round, it
    keeps the lower one: so the file is read once more.

    Raises:
        BadImage: The lower bytes of this kind of file cannot be read.
    """
    upper = np.asarray(picture)
    with page.opened() as opened:
        opened.tile[:] = [_of_other_bytes(tile) for tile in opened.tile]
        try:
            opened.load()
        except (ValueError, SystemError) as error:
            raise BadImage(
                f'"{page.name}" has 16 bits and transparency or an order of colours that cannot be read '
                f"exactly ({error}). Save it as 16-bit grey or RGB."
            ) from error
        lower = np.asarray(ImageOps.exif_transpose(opened))
    pixels = upper.astype(np.uint16) * 256 + lower
    return [Image.fromarray(channel) for channel in np.moveaxis(pixels[..., :3], 2, 0)]


def is_deep(opened: Image.Image) -> bool:
    """Return whether a file that is open, but not loaded, has colours of 16 bits, of which Pillow keeps 8."""
    tiles = getattr(opened, "tile", [])
    return opened.mode in ("RGB", "RGBA", "LA") and any(";16" in _raw_mode(tile) for tile in tiles)


def _of_other_bytes(tile: Any) -> Any:
    raw = _raw_mode(tile)
    other = raw[:-1] + _OTHER_BYTE.get(raw[-1:], raw[-1:])
    return tile._replace(args=other if isinstance(tile.args, str) else (other, *tile.args[1:]))


def _raw_mode(tile: Any) -> str:
    """Return the order of bits and bytes in a file, as Pillow names it."""
    return str(tile.args if isinstance(tile.args, str) else (tile.args or ("",))[0])
