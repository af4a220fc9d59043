"""The data set old_dataset, with normal images to train on, and normal and anomalous ones to test on."""

from pathlib import Path

import numpy as np
from padimkit import DataSource, Sample
from PIL import Image

_SIDE = 64


class OldDataset(DataSource):
    """Grey noise; anomalous images have a bright square.

    Args:
        images: Number of images to train on, and of images of each kind to test on.
    """

    def __init__(self, images: int = 8) -> None:
        self.images = images

    def train(self) -> list[Sample]:
        """List normal images."""
        return self._samples("train", anomalous=False)

    def test(self) -> list[Sample]:
        """List normal images, then anomalous ones with masks."""
        return [*self._samples("normal", anomalous=False), *self._samples("square", anomalous=True)]

    def _samples(self, kind: str, *, anomalous: bool) -> list[Sample]:
        """Return one sample for each image.

        If your images are files, list them and leave `open` and `open_mask` out: by default these read the
        image and the mask from their paths.
        """
        paths = [Path(kind, f"{index:03}.png") for index in range(self.images)]
        return [Sample(path, anomalous, path if anomalous else None, _draw, _draw_mask) for path in paths]


def _draw(path: Path) -> Image.Image:
    random = np.random.default_rng(list(str(path).encode()))  # each image has its own seed
    pixels = random.integers(80, 120, (_SIDE, _SIDE, 3), dtype=np.uint8)
    if path.parent.name == "square":
        pixels[_square()] = 255
    return Image.fromarray(pixels)


def _draw_mask(path: Path) -> Image.Image:
    mask = np.zeros((_SIDE, _SIDE), np.uint8)
    mask[_square()] = 255
    return Image.fromarray(mask)


def _square() -> tuple[slice, slice]:
    return slice(20, 36), slice(24, 40)
