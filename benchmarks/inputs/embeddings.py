"""Embeddings with the statistics of real ones, in a file that is read batch by batch.

Channels are correlated, as those of a network are. Their variance is about twice PaDiM's eps, and a fifth of
it lies outside what the channels share, as measured on the features of ResNet18; their mean is ten times
their spread, which is what makes single precision hard. The probes are a few positions at which distances are
also computed plainly in float64.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

SIDE = 56  # positions per axis: layer1 of a ResNet at 224 x 224 pixels
TESTED = 8
PROBES = 32
HIDDEN = 48  # causes that the channels share
SPREAD = 0.14
NOISE = 0.5  # beside a spread of 1


@dataclass(frozen=True)
class EmbeddingFile:
    """The files with embeddings of `images` training images and of `TESTED` others, raw float32 "n d h w"."""

    folder: str
    images: int
    channels: int
    side: int = SIDE

    @property
    def bytes(self) -> int:
        """Return the bytes of all training embeddings."""
        return 4 * self.images * self.channels * self.side**2

    def write(self) -> None:
        """Draw the embeddings; half of the tested ones are anomalous."""
        source = Source(self.channels, self.side)
        with self._path("train").open("wb") as file:
            for index in range(self.images):
                source.batch(index, 1).numpy().tofile(file)
        tested = source.batch(self.images, TESTED)
        tested[::2] += (
            2 * SPREAD * torch.randn(self.channels, 1, 1, generator=torch.Generator().manual_seed(1))
        )
        tested.numpy().tofile(self._path("test"))

    def tested(self, count: int) -> Tensor:
        """Return the first `count` embeddings to score."""
        return self._read("test", 0, count)

    def probed(self, name: str, count: int) -> np.ndarray:
        """Return the vectors at the probes, "n k d"."""
        whole = np.memmap(self._path(name), np.float32, "r", shape=(count, self.channels, self.side**2))
        return np.stack([image[:, self.probes].T for image in whole])

    @property
    def probes(self) -> np.ndarray:
        """Return flat indices of the positions that are checked."""
        return np.linspace(0, self.side**2 - 1, min(PROBES, self.side**2)).astype(int)

    def _read(self, name: str, first: int, count: int) -> Tensor:
        values = self.channels * self.side**2
        flat = np.fromfile(self._path(name), np.float32, count * values, offset=4 * first * values)
        return torch.from_numpy(flat).reshape(-1, self.channels, self.side, self.side)

    def _path(self, name: str) -> Path:
        return Path(self.folder) / f"{name}-{self.images}x{self.channels}x{self.side}.bin"


class Batches:
    """The training embeddings in batches, read anew in each loop; only one batch is held here.

    `seconds` is the time that the first loop has spent on reading: each program needs it once, so it is left
    out of the times. A program that reads again pays for it.
    """

    def __init__(self, file: EmbeddingFile, size: int) -> None:
        self.seconds = 0.0
        self._file = file
        self._size = size
        self._loops = 0

    def __iter__(self) -> Iterator[Tensor]:
        self._loops += 1
        for first in range(0, self._file.images, self._size):
            start = time.perf_counter()
            batch = self._file._read("train", first, min(self._size, self._file.images - first))
            if self._loops == 1:
                self.seconds += time.perf_counter() - start
            yield batch


class Source:
    """A source of embeddings "b d h w", drawn from a seed per batch."""

    def __init__(self, channels: int, side: int) -> None:
        generator = torch.Generator().manual_seed(channels)
        self._shape = (channels, side, side)
        strengths = torch.arange(1, HIDDEN + 1).rsqrt()
        self._mixing = torch.randn(channels, HIDDEN, generator=generator) * strengths
        self._mixing /= self._mixing.square().sum(1, keepdim=True).sqrt()  # a spread of 1 in each channel
        self._mean = 10 * SPREAD * (0.5 + torch.rand(self._shape, generator=generator))

    def batch(self, seed: int, size: int) -> Tensor:
        """Draw a batch that depends on nothing but the seed and the size."""
        generator = torch.Generator().manual_seed(seed)
        channels, height, width = self._shape
        causes = torch.randn(size, HIDDEN, height * width, generator=generator)
        noise = torch.randn(size, channels, height * width, generator=generator)
        spread = SPREAD * (self._mixing @ causes + NOISE * noise)
        return spread.reshape(size, *self._shape) + self._mean


def write(**arguments: int | str) -> dict[str, int]:
    """Write an `EmbeddingFile` of these arguments."""
    file = EmbeddingFile(**arguments)  # type: ignore[arg-type]
    file.write()
    return {"bytes": file.bytes}
