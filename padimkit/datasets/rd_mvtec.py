"""Data sets in the folder layout of MVTec AD whose images are rotated and shifted at random."""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias, final, get_args

import numpy as np
from PIL import Image

from padimkit.arguments import require_choice
from padimkit.contracts import DataSource
from padimkit.datasets.mvtec import MVTec
from padimkit.errors import BadArgument, BadImage
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import ImageBatches, Reader, Sample
from padimkit.values import Batch

Fill: TypeAlias = Literal["black", "edge", "reflect"]

_NUMPY: dict[str, Literal["constant", "edge", "reflect"]] = {
    "black": "constant",
    "edge": "edge",
    "reflect": "reflect",
}


@final
class RdMVTec(DataSource):
    """Rd-MVTec AD: the images of MVTec AD, training ones too, rotated and cropped at random.

    PaDiM paper, section IV-A: rotation within 10 degrees, crop from 256 to 224 pixels; the sides are those of
    the pipeline's preprocessing, whose crop is at random instead of at the centre. Each image is resized,
    rotated and cropped, in this order; its mask is treated alike. The paper averages over five seeds.

    Args:
        root: The folder that holds the categories.
        category: The name of one category, for example bottle.
        seed: Fixes rotation and place of each image, whichever others there are.
        degrees: Rotation is drawn evenly from minus to plus this.
        fill: What is seen beyond the border after the rotation; the paper does not say.
    """

    def __init__(
        self, root: Path, category: str, seed: int = 0, degrees: float = 10.0, fill: Fill = "reflect"
    ) -> None:
        self.root = Path(root)
        self.category = category
        self.seed = seed
        self.degrees = degrees
        self.fill = fill
        require_choice("fill", fill, get_args(Fill))
        if not 0 <= degrees <= 45:
            raise BadArgument(f'Expected "degrees" from 0 to 45, got {degrees}.')

    def train(self, reader: Reader) -> Iterable[Batch]:
        """The images of `train/good`, each moved."""
        return self._moved(MVTec(self.root, self.category).train(reader), reader)

    def test(self, reader: Reader) -> Iterable[Batch]:
        """The images of `test`, each moved, with its mask."""
        return self._moved(MVTec(self.root, self.category).test(reader), reader)

    def _moved(self, batches: Iterable[Batch], reader: Reader) -> ImageBatches:
        assert isinstance(batches, ImageBatches)
        sizes = reader.preprocessing
        whole = replace(reader, preprocessing=Preprocessing(sizes.crop, sizes.crop))
        return whole.batches([self._move(sample, sizes) for sample in batches.samples])

    def _move(self, sample: Sample, sizes: Preprocessing) -> Sample:
        name = sample.path.relative_to(self.root).as_posix()
        random = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
        angle = float(random.uniform(-self.degrees, self.degrees))
        left, top = random.integers(0, sizes.resize - sizes.crop + 1, 2).tolist()
        move = _Move(sizes, angle, left, top, self.fill)
        opened = partial(_open, original=sample.open, move=move)
        masked = partial(_open_mask, original=sample.open_mask, move=move, sample=sample)
        return replace(sample, open=opened, open_mask=masked)


@dataclass(frozen=True)
class _Move:
    sizes: Preprocessing
    angle: float
    left: int
    top: int
    fill: Fill

    def apply(self, picture: Image.Image, resampling: Image.Resampling, fill: Fill) -> Image.Image:
        side, crop = self.sizes.resize, self.sizes.crop
        resized = np.asarray(picture.resize((side, side), resampling))
        margin = side // 2  # as far as a corner can turn
        around = ((margin, margin), (margin, margin), (0, 0))[: resized.ndim]
        padded = Image.fromarray(np.pad(resized, around, mode=_NUMPY[fill]))
        left, top = margin + self.left, margin + self.top
        return padded.rotate(self.angle, resampling).crop((left, top, left + crop, top + crop))


def _open(path: Path, *, original: Callable[[Path], Image.Image], move: _Move) -> Image.Image:
    return move.apply(original(path), Image.Resampling.BICUBIC, move.fill)


def _open_mask(
    path: Path, *, original: Callable[[Path], Image.Image], move: _Move, sample: Sample
) -> Image.Image:
    mask, picture = original(path), sample.open(sample.path)
    if mask.size != picture.size:
        raise BadImage(
            f'The mask "{path}" is {mask.width} x {mask.height} pixels, '
            f'its image "{sample.path}" is {picture.width} x {picture.height}.'
        )
    return move.apply(mask, Image.Resampling.NEAREST, "reflect" if move.fill == "reflect" else "black")
