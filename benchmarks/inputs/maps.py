"""Anomaly maps and masks as a test on the bottles of MVTec AD yields them: 83 of 900 x 900 pixels."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

SCORED = 56  # positions per axis before upsampling


@dataclass(frozen=True)
class MapFile:
    """The files with `count` maps and masks of `side` pixels."""

    folder: str
    count: int
    side: int

    def write(self) -> None:
        """Draw the maps: smooth noise, higher where a mask is, though not everywhere in it."""
        random = np.random.default_rng(0)
        drawn = [self._draw(random, normal=index < self.count // 4) for index in range(self.count)]
        np.save(self._path("maps"), np.stack([scores for scores, _ in drawn]))
        np.save(self._path("masks"), np.stack([mask for _, mask in drawn]))

    def read(self) -> tuple[Tensor, Tensor]:
        """Return maps (float32) and masks (bool), each "b H W"."""
        maps, masks = (np.load(self._path(name)) for name in ("maps", "masks"))
        return torch.from_numpy(maps), torch.from_numpy(masks)

    def _draw(self, random: np.random.Generator, *, normal: bool) -> tuple[np.ndarray, np.ndarray]:
        mask = np.zeros((self.side, self.side), bool)
        if not normal:
            for _ in range(random.integers(1, 4)):
                mask |= self._blob(random)
        scores = 12 + 2 * ndimage.gaussian_filter(random.normal(size=(SCORED, SCORED)), 1)
        coarse = ndimage.zoom(mask.astype(float), SCORED / self.side, order=1)
        scores += 3 * ndimage.gaussian_filter(coarse * random.uniform(0, 1, coarse.shape), 1)
        fine = F.interpolate(torch.from_numpy(scores)[None, None], (self.side, self.side), mode="bilinear")
        return ndimage.gaussian_filter(fine[0, 0].numpy(), 4).astype(np.float32), mask

    def _blob(self, random: np.random.Generator) -> np.ndarray:
        """Draw a disc with an uneven edge."""
        row, column = random.uniform(0.2, 0.8, 2) * self.side
        radius = random.uniform(0.02, 0.1) * self.side
        rows, columns = np.mgrid[: self.side, : self.side]
        coarse = ndimage.gaussian_filter(random.normal(size=(SCORED, SCORED)), 2)
        edge = ndimage.zoom(coarse, self.side / SCORED, order=1)[: self.side, : self.side]
        return np.hypot(rows - row, columns - column) < radius * (1 + 3 * edge)

    def _path(self, name: str) -> Path:
        return Path(self.folder) / f"{name}-{self.count}x{self.side}.npy"


def batches(maps: Tensor, masks: Tensor, size: int = 32) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield maps and masks in batches, as a test loop does."""
    yield from zip(maps.split(size), masks.split(size), strict=True)


def write(**arguments: int | str) -> dict[str, int]:
    """Write a `MapFile` of these arguments."""
    MapFile(**arguments).write()  # type: ignore[arg-type]
    return {}
