"""One image of a data set, with the ways to open it and its mask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from padimkit.errors import BadImage
from padimkit.images.decoders import MOST_PIXELS
from padimkit.images.decoding import as_rgb, largest_of, largest_value, open_image, open_mask
from padimkit.images.pages import page_of
from padimkit.images.pictures import Held


@dataclass(frozen=True)
class United:
    """A way to open several masks of one image as their union."""

    paths: tuple[Path, ...]

    def __call__(self, path: Path, most_pixels: int = MOST_PIXELS) -> Image.Image:
        """Return the union.

        Raises:
            BadImage: A mask cannot be opened, or has another size than the first one.
        """
        masks = [open_mask(one, most_pixels) for one in self.paths]
        for one, mask in zip(self.paths, masks, strict=True):
            if mask.size != masks[0].size:
                raise BadImage(
                    f'The mask "{one}" is {mask.width} x {mask.height} pixels, but "{self.paths[0]}" of the '
                    f"same image is {masks[0].width} x {masks[0].height}."
                )
        union = Image.fromarray(np.maximum.reduce([np.asarray(mask) for mask in masks]))
        union.info["values"] = max(mask.info["values"] for mask in masks)
        return union


@dataclass(frozen=True)
class DefectMask:
    """The mask of one defect of an image, and how much of it is enough, by the value that marks it.

    Args:
        path: The file, in which one value above 0 marks the defect.
        enough: By value, the number of pixels of the file that are enough, or the share of those marked; for
            any other value, all are needed.
    """

    path: Path
    enough: Mapping[int, "Enough"] = field(default_factory=dict)

    def read(self, most_pixels: int = MOST_PIXELS) -> tuple[Image.Image, float]:
        """Return the mask as one channel, and the share of its pixels that is enough.

        Raises:
            BadImage: It cannot be opened, or has several values above 0.
        """
        mask = open_mask(self.path, most_pixels)
        with Image.open(self.path) as file:
            marks = np.asarray(file)
        values = np.unique(marks[marks > 0]).tolist()
        if len(values) > 1:
            raise BadImage(
                f'The mask "{self.path}" marks one defect, but has {len(values)} values above 0: {values}.'
            )
        area = int(np.count_nonzero(marks))
        found = self.enough.get(values[0]) if values else None
        return mask, 1.0 if found is None else found.share(area)


@dataclass(frozen=True)
class Enough:
    """How much of a defect is enough: `amount` pixels, or this share of them where `relative`."""

    amount: float
    relative: bool

    def share(self, area: int) -> float:
        """Return the share of a defect of this many pixels that is enough; at most 1."""
        return min(self.amount if self.relative else self.amount / area, 1.0)


@dataclass(frozen=True)
class Sample:
    """One image of a data set.

    Args:
        path: Its file, or its name where the data set opens it otherwise.
        anomalous: Its label; None if unknown.
        mask: The file of its mask; None if unknown.
        open: Turns the path into an 8-bit RGB picture; a data set without image files, such as one of videos,
            brings its own. Several threads call it at a time, so shared objects, such as an open video, need
            a lock.
        open_mask: Turns the path of the mask into a picture of one channel, as `open` does.
        defects: Those of the image that its data set tells apart; their union is its mask.
    """

    path: Path
    anomalous: bool | None = None
    mask: Path | None = None
    open: Callable[[Path], Image.Image] = open_image
    open_mask: Callable[[Path], Image.Image] = open_mask
    defects: tuple[DefectMask, ...] = ()

    @property
    def file(self) -> Path | None:
        """The file that holds the image as it is, or its page; None where a data set opens images itself."""
        return self.path if self.open is open_image and page_of(self.path).exists else None

    def picture(self, bits: int | None, most_pixels: int = MOST_PIXELS) -> Image.Image:
        """Return the picture as 8-bit RGB; `bits` is the depth of files that have more than 8."""
        if self.open is open_image:
            return open_image(self.path, bits, most_pixels)
        if isinstance(self.open, Held):
            return self.open.in_eight_bits(self.path, bits)
        picture = self.open(self.path)
        return picture if picture.mode == "RGB" else as_rgb(picture, self.path, bits)

    def mask_picture(self, path: Path, most_pixels: int = MOST_PIXELS) -> Image.Image:
        """Return the mask at a path as one channel."""
        if self.open_mask is open_mask or isinstance(self.open_mask, United):
            return self.open_mask(path, most_pixels)
        return self.open_mask(path)

    def largest_value(self, most_pixels: int = MOST_PIXELS) -> int | None:
        """Return the largest value of a picture with more than 8 bits; None for others."""
        if isinstance(self.open, Held):
            return largest_of(self.open.channels)
        return largest_value(self.path, most_pixels) if self.open is open_image else None

    @property
    def masks(self) -> tuple[Path, ...]:
        """The files of the mask: none, one, or several that are united."""
        if isinstance(self.open_mask, United):
            return self.open_mask.paths
        return () if self.mask is None else (self.mask,)

    def __post_init__(self) -> None:
        for name in ("path", "mask"):  # without a type checker, people pass strings
            if isinstance(getattr(self, name), str):
                object.__setattr__(self, name, Path(getattr(self, name)))
