"""Random numbers that are the same on every machine and under every version of numpy."""

from typing import final

import numpy as np

from padimkit.datasets.synthetic.fields import Field


@final
class Draws:
    """A stream of random numbers, fixed by its seeds.

    numpy promises the raw bits of PCG64, but not what its generators make of them.
    """

    def __init__(self, *seeds: int) -> None:
        self._bits = np.random.PCG64((len(seeds), *seeds))  # which takes (1,) and (1, 0) for the same

    def number(self, low: float, high: float) -> float:
        """Return a number between these two, all alike in probability."""
        return low + (high - low) * float(int(self._bits.random_raw()) >> 11) * 2.0**-53

    def count(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, excluding the latter."""
        return low + int(self._bits.random_raw()) % (high - low)

    def seed(self) -> int:
        """Return a number that can seed another stream."""
        return int(self._bits.random_raw())

    def normal(self, *shape: int) -> np.ndarray:
        """Return numbers with mean 0 and deviation 1, none beyond 3.5: sums of four whole numbers."""
        bits = np.asarray(self._bits.random_raw(int(np.prod(shape))), dtype=np.uint64)
        first, second, third, fourth = bits.view(np.uint16).astype(np.int32).reshape(-1, 4).T
        total = first + second + third + fourth
        return np.asarray((total - 131070) / 37837.23).reshape(
            shape
        )  # 2 * 65535; root of (65536 ** 2 - 1) / 3

    def clouds(self, size: int, *, cells: int) -> Field:
        """Return a smooth field with about `cells` hills and valleys per side and a deviation near 0.7."""
        spline = _spline(size, cells)
        return np.asarray(spline @ self.normal(cells + 3, cells + 3) @ spline.T)

    def mottle(self, size: int, *, finest: int) -> Field:
        """Return a rough field, a sum of clouds of four scales; deviation near 1."""
        scales = (finest, finest // 3, finest // 9, max(finest // 27, 2))
        total = np.zeros((size, size))
        for cells in scales:
            total += 0.7 * self.clouds(size, cells=max(cells, 2))
        return total


def _spline(size: int, cells: int) -> np.ndarray:
    """Return the weights of cells + 3 knots for each of `size` points (Catmull and Rom)."""
    place = (np.arange(size) + 0.5) * (cells / size)
    knot = place.astype(int)
    t = place - knot
    weights = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
    spline = np.zeros((size, cells + 3))
    for number, weight in enumerate(weights):
        spline[np.arange(size), knot + number] = weight / 2
    return spline
