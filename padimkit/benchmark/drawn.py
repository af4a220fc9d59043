"""Drawn embeddings, over which reducers and densities are measured by themselves, without a backbone."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

import torch

from padimkit.arguments import require_between, require_whole
from padimkit.values import Pyramid, Stream

LEVEL = "drawn"  # the only one
_EPS = 0.01  # PaDiM's, of which `eps_ratio` is a multiple
_MOST = 10**7
_HIGHEST = 1e9


@dataclass(frozen=True)
class Drawn:
    """Embeddings of normal images, independent of each other, from a Gaussian at each position.

    Costs depend on how many there are, and on variances where these decide between two forms.

    Args:
        images: Number of images to learn from.
        channels: Number of channels.
        positions: Number of positions, in a grid that is as near to a square as their number allows.
        descriptor: Length of the descriptor of each image, for densities that compare images.
        spectrum: The variance of channel i is proportional to i ** -spectrum: 0 for equal ones.
        eps_ratio: Mean variance of a channel, as a multiple of 0.01, the paper's eps.
    """

    images: int = 200
    channels: int = 100
    positions: int = 64
    descriptor: int = 64
    spectrum: float = 1.0
    eps_ratio: float = 1.0

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of positions."""
        rows = next(n for n in range(isqrt(self.positions), 0, -1) if self.positions % n == 0)
        return rows, self.positions // rows

    @property
    def variance(self) -> float:
        """Mean variance of a channel."""
        return self.eps_ratio * _EPS

    def require_sound(self) -> None:
        """Check the range of each value.

        Raises:
            BadArgument: A value is out of range; the message names it.
        """
        for name in ("images", "channels", "positions", "descriptor"):
            require_whole(f"embeddings.{name}", getattr(self, name), 2 if name == "images" else 1, _MOST)
        require_between("embeddings.spectrum", self.spectrum, 0, 100)
        require_between("embeddings.eps_ratio", self.eps_ratio, 1 / _HIGHEST, _HIGHEST)

    def stream(self, seed: int, batch_size: int) -> Stream[dict[str, Pyramid]]:
        """Return all images in batches, as the levels of a pipeline have them; drawn now, not when read."""
        generator = torch.Generator().manual_seed(seed)
        sizes = [min(batch_size, self.images - start) for start in range(0, self.images, batch_size)]
        batches = [self._batch(size, generator) for size in sizes]
        return Stream(lambda: iter(batches), len(batches))

    def unseen(self, seed: int) -> Iterator[dict[str, Pyramid]]:
        """Yield further images, one at a time, without end."""
        generator = torch.Generator().manual_seed(seed)
        torch.rand(1, generator=generator)  # not those that are learnt
        while True:
            yield self._batch(1, generator)

    def _batch(self, size: int, generator: torch.Generator) -> dict[str, Pyramid]:
        variances = torch.arange(1.0, self.channels + 1) ** -self.spectrum
        deviations = (self.variance * variances / variances.mean()).sqrt()
        # Channels lie side by side, as backbones give them and densities read them.
        patches = torch.randn(size, *self.grid, self.channels, generator=generator) * deviations
        descriptor = torch.randn(size, self.descriptor, generator=generator)
        return {LEVEL: Pyramid((patches.permute(0, 3, 1, 2),), descriptor)}
