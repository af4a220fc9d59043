"""Data sets in the folder layout of MVTec AD, with images rotated and shifted at random."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias, final, get_args

import numpy as np
from PIL import Image

from padimkit.arguments import require_choice, require_seed, require_whole
from padimkit.contracts import DataSource
from padimkit.datasets.mvtec import MVTec
from padimkit.errors import BadArgument, BadImage
from padimkit.images.sample import Sample

_MOST_SIDE = 2**16

Fill: TypeAlias = Literal["black", "edge", "reflect"]

_NUMPY: dict[str, Literal["constant", "edge", "reflect"]] = {
    "black": "constant",
    "edge": "edge",
    "reflect": "reflect",
}


@final
class RdMVTec(DataSource):
    """Rd-MVTec AD: the images of MVTec AD, training ones too, rotated and cropped at random.

    PaDiM paper, section IV-A: rotation within 10 degrees, crop from 256 to 224 pixels. Each image is resized,
    rotated and shifted with its mask, in this order, so that the pipeline's crop of the centre becomes a
    random crop. The paper averages over five seeds.

    Args:
        root: The folder that holds the categories.
        category: The name of one category, for example bottle.
        seed: Fixes rotation and shift of each image, independently of all other images.
        degrees: Rotations are drawn evenly from minus to plus this angle.
        fill: The content beyond the border after the rotation; the paper does not state it.
        resize: Side in pixels of the images that result; the pipeline's `resize` should be the same.
        crop: Side in pixels of the random crop; the pipeline's `crop` should be the same.
    """

    def __init__(
        self,
        root: Path,
        category: str,
        seed: int = 0,
        degrees: float = 10.0,
        fill: Fill = "reflect",
        resize: int = 256,
        crop: int = 224,
    ) -> None:
        self.root = Path(root)
        self.category = category
        self.seed = seed
        self.degrees = degrees
        self.fill = fill
        self.resize = resize
        self.crop = crop
        require_choice("fill", fill, get_args(Fill))
        require_seed(seed)
        require_whole("resize", resize, 1, _MOST_SIDE)
        if not 0 <= degrees <= 45:
            raise BadArgument(f'Expected "degrees" from 0 to 45, got {degrees}.')
        if not 1 <= crop <= resize:
            raise BadArgument(f'Expected 1 <= "crop" <= "resize", got crop {crop} and resize {resize}.')

    def train(self) -> Sequence[Sample]:
        """List the images of `train/good`, each rotated and shifted."""
        return [self._moved(sample) for sample in MVTec(self.root, self.category).train()]

    def test(self) -> Sequence[Sample]:
        """List the images of `test`, each rotated and shifted with its mask."""
        return [self._moved(sample) for sample in MVTec(self.root, self.category).test()]

    def _moved(self, sample: Sample) -> Sample:
        name = sample.path.relative_to(self.root).as_posix()
        random = np.random.default_rng([self.seed, zlib.crc32(name.encode(errors="surrogateescape"))])
        angle = float(random.uniform(-self.degrees, self.degrees))
        left, top = random.integers(0, self.resize - self.crop + 1, 2).tolist()
        centre = (self.resize - self.crop) // 2  # the pipeline crops here
        move = _Move(self.resize, angle, left - centre, top - centre, self.fill)
        opened = partial(_open, original=sample.open, move=move)
        masked = partial(_open_mask, original=sample.open_mask, move=move, sample=sample)
        return replace(sample, open=opened, open_mask=masked)


@dataclass(frozen=True)
class _Move:
    side: int
    angle: float
    left: int
    top: int
    fill: Fill

    def apply(self, picture: Image.Image, resampling: Image.Resampling, fill: Fill) -> Image.Image:
        side = self.side
        resized = np.asarray(picture.resize((side, side), resampling))
        margin = side // 2  # farther than a corner turns and a crop shifts
        around = ((margin, margin), (margin, margin), (0, 0))[: resized.ndim]
        padded = Image.fromarray(np.pad(resized, around, mode=_NUMPY[fill]))
        left, top = margin + self.left, margin + self.top
        return padded.rotate(self.angle, resampling).crop((left, top, left + side, top + side))


def _open(path: Path, *, original: Callable[[Path], Image.Image], move: _Move) -> Image.Image:
    return move.apply(original(path), Image.Resampling.BICUBIC, move.fill)


def _open_mask(
    path: Path, *, original: Callable[[Path], Image.Image], move: _Move, sample: Sample
) -> Image.Image:
    mask, picture = original(path), sample.open(sample.path)
    if mask.size != picture.size:
        raise BadImage(
            f'The mask "{path}" is {mask.width} x {mask.height} pixels, '
            f'but its image "{sample.path}" is {picture.width} x {picture.height}.'
        )
    return move.apply(mask, Image.Resampling.NEAREST, "reflect" if move.fill == "reflect" else "black")
