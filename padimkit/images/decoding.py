"""Image files on disk: their decoding, and their conversion to RGB."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from PIL import Image, ImageOps

from padimkit.errors import BadImage
from padimkit.images.decoders import MOST_PIXELS
from padimkit.images.depth import deep_colours, is_deep
from padimkit.images.pages import Page, page_of


def open_image(path: Path, bits: int | None = None, most_pixels: int = MOST_PIXELS) -> Image.Image:
    """Open the file as 8-bit RGB, turned upright by its EXIF orientation.

    Grey, palette, CMYK and 16-bit images are converted; transparency is dropped.

    Args:
        path: The file, or a page of a TIFF such as "scan.tiff[2]".
        bits: White is the largest number of this many bits in files that have more than 8 per channel. By
            default it is 65535, and of 16-bit colours the upper 8 bits are kept.
        most_pixels: The most that are decoded.

    Raises:
        BadImage: The file is missing, empty, truncated or not an image, holds several images, more pixels, or
            values of more bits.
    """
    return open_page(page_of(path, most_pixels), bits)


def open_page(page: Page, bits: int | None = None) -> Image.Image:
    """Open one image of a file, or of its content, as `open_image` does.

    Raises:
        BadImage: As for `open_image`.
    """
    picture, deep = _decoded(page)
    if bits is not None and deep:
        return in_eight_bits(deep_colours(picture, page), page.name, bits)
    return as_rgb(picture, page.name, bits)


def in_eight_bits(channels: Sequence[Image.Image], name: Path | str, bits: int | None) -> Image.Image:
    """Return a picture, or three colours of 16 bits, as 8-bit RGB, as `open_image` does with those in a file.

    Raises:
        BadImage: As for `as_rgb`.
    """
    if len(channels) == 1:
        return as_rgb(channels[0], name, bits)
    if bits is None:
        upper = [Image.fromarray((np.asarray(one) >> 8).astype(np.uint8)) for one in channels]
        return Image.merge("RGB", upper)
    return Image.merge("RGB", [_to_eight_bits(one, name, bits) for one in channels])


def largest_value(path: Path, most_pixels: int = MOST_PIXELS) -> int | None:
    """Return the largest value of a file with more than 8 bits per channel; None for others.

    Raises:
        BadImage: The file cannot be decoded.
    """
    with page_of(path, most_pixels).opened() as opened:
        if not opened.mode.startswith("I") and not is_deep(opened):
            return None  # known from the header
    return largest_of(stored_channels(path, most_pixels))


def stored_channels(path: Path, most_pixels: int = MOST_PIXELS) -> list[Image.Image]:
    """Return what a file holds, upright and in all its bits: colours of 16 bits one by one, others together.

    Raises:
        BadImage: The file cannot be decoded.
    """
    page = page_of(path, most_pixels)
    picture, deep = _decoded(page)
    return deep_colours(picture, page) if deep else [picture]


def largest_of(channels: Iterable[Image.Image]) -> int | None:
    """Return the largest value of pictures with more than 8 bits; None for others."""
    return max((int(np.asarray(one).max()) for one in channels if one.mode.startswith("I")), default=None)


def as_rgb(picture: Image.Image, name: Path | str, bits: int | None = None) -> Image.Image:
    """Convert a picture to 8-bit RGB, as `open_image` does with the one in a file.

    Raises:
        BadImage: Its values are out of the range of its mode or of `bits`; the message holds `name`.
    """
    if picture.mode.startswith(("I", "F")):
        picture = _to_eight_bits(picture, name, bits)
    if "transparency" in picture.info:
        picture = picture.convert("RGBA")  # a palette with alpha converts to RGB with a warning only
    return picture.convert("RGB")


def open_mask(path: Path, most_pixels: int = MOST_PIXELS) -> Image.Image:
    """Open the mask file as one 8-bit channel, 255 where a pixel is above 0 in any colour channel.

    Its `info` has the number of different "values" in the file.

    Raises:
        BadImage: The file is missing, empty, truncated or not an image, or a palette image whose index 0 is
            not black or another index is: index and colour would give different masks.
    """
    picture, _ = _decoded(page_of(path, most_pixels))
    mask = Image.fromarray(_marked(picture, path).astype(np.uint8) * 255)
    mask.info["values"] = _count(np.asarray(picture))
    return mask


def _count(values: np.ndarray) -> int:
    """Return the number of different values, or of those of the brightest channel of each pixel."""
    flat = (values if values.ndim == 2 else values[..., :3].max(axis=2)).ravel()
    if flat.dtype.kind == "u":
        return int(np.count_nonzero(np.bincount(flat)))
    return len(np.unique(flat))


def _decoded(page: Page) -> tuple[Image.Image, bool]:
    """Return the picture, upright, and whether Pillow has kept only 8 bits of its 16."""
    with page.opened() as opened:
        deep = is_deep(opened)
        opened.load()
        return ImageOps.exif_transpose(opened), deep


def _marked(picture: Image.Image, path: Path) -> Bool[np.ndarray, "H W"]:
    by_value = np.asarray(picture) > 0
    if by_value.ndim == 2 and picture.mode != "P":
        return by_value
    by_colour = np.any(np.asarray(picture.convert("RGBA"))[..., :3] > 0, axis=2)
    if picture.mode == "P" and not np.array_equal(by_value, by_colour):
        raise BadImage(
            f'In the mask "{path}" palette index 0 is not black, or another index is. '
            "Save it as grey: 0 where normal, 255 where anomalous."
        )
    return np.asarray(by_colour)


def _to_eight_bits(picture: Image.Image, name: Path | str, bits: int | None) -> Image.Image:
    pixels = np.asarray(picture, dtype=np.float64)
    low, high = float(pixels.min()), float(pixels.max())
    full = 1 if picture.mode == "F" else 2 ** (bits or 16) - 1
    if low >= 0 and full < high <= 65535 and picture.mode != "F":
        raise BadImage(
            f'"{name}" has values up to {high:g}, more than {bits} bits hold ("bits" of the preprocessing, '
            'or those of the training images). Set "bits" to more and fit again, or save the image alike.'
        )
    if not (low >= 0 and high <= full):
        raise BadImage(
            f'"{name}" (mode {picture.mode}) has values from {low:g} to {high:g}; '
            f"expected 0 to {full}. Save it as 8- or 16-bit grey or RGB."
        )
    return Image.fromarray(np.rint(pixels * (255 / full)).astype(np.uint8))
