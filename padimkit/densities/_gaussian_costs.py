"""The costs of Gaussians as formulas of sizes.

Apart from the density, since they need no embeddings. Operations are counted as they are done: products whose
result is symmetric in full.
"""

from dataclasses import dataclass

import torch

from padimkit.densities._factor import padded
from padimkit.densities._whitening import dense_bytes, low_rank_precision
from padimkit.moments.buffered import GROUP
from padimkit.values import Costs, Number, Work

_DOUBLE = 8  # bytes


@dataclass(frozen=True)
class GaussianCosts:
    """Costs of p Gaussians of d channels, each of n samples.

    Args:
        count: The n samples at each position.
        positions: The p positions.
        channels: The d channels.
        variance: Mean variance of a channel.
        eps: Added to it.
        shrunk: True for the covariance of Ledoit and Wolf.
        sums: The precision of sums.
        samples: The precision in which samples are kept.
        factor: The precision of the dense factor.
        smallest: True if the smallest form is chosen and not the quickest, as for a memory budget.
    """

    count: int
    positions: int
    channels: int
    variance: Number
    eps: Number
    shrunk: bool
    sums: torch.dtype
    samples: torch.dtype
    factor: torch.dtype
    smallest: bool

    @property
    def costs(self) -> Costs:
        """Costs in the form that a fit on so many samples has."""
        few = self.count <= self.channels
        rank = self._low_rank if few and not self.shrunk else None
        name = "moments" if not few else "samples" if rank is None else f"samples, rank {_NAMES[rank]}"
        factor = self._dense_factor if rank is None else self._low_rank_factor(rank)
        learnt, stored = self._few if few else self._many
        use = factor / (self.factor if rank is None else rank).itemsize
        return Costs(
            fit=self._of(self._fit_few if few else self._fit_many),
            prepare=self._of(self._prepare_dense(few=few) if rank is None else self._prepare_low_rank(rank)),
            use=self._of(_work(2 * use, rank or self.factor, moved=factor + 8 * self.channels)),
            held=self.positions * (learnt + factor + self.sums.itemsize * self.channels),
            stored=self.positions * stored,
            form=name,
        )

    @property
    def _low_rank(self) -> torch.dtype | None:
        """The precision of the low-rank form; None for the dense one."""
        least = self.factor if self.factor == torch.bfloat16 else self.sums
        precisions = [least] if self.smallest else [least, self.sums, torch.float64]
        left = (self.count - 1) * self.eps / (self.channels * self.variance)
        left = float("inf") if self.smallest else left
        return low_rank_precision(self.count, self.channels, left, precisions)

    @property
    def _dense_factor(self) -> int:
        return dense_bytes(self.channels, self.factor)

    def _low_rank_factor(self, precision: torch.dtype) -> int:
        rows, columns = self.count - 1, self.channels
        if precision == torch.bfloat16:
            rows, columns = padded(rows), padded(columns)
        return precision.itemsize * rows * columns

    @property
    def _few(self) -> tuple[Number, Number]:
        """Bytes held and stored of samples at a position."""
        size = self.channels * (self.count * self.samples.itemsize + self.sums.itemsize)
        return size, size

    @property
    def _many(self) -> tuple[Number, Number]:
        """Bytes held and stored of moments at a position; room for samples that wait is held too."""
        size, channels = self.sums.itemsize, self.channels
        means = size * channels * (3 if self.shrunk else 2)
        room = self.samples.itemsize * GROUP * channels
        return size * channels**2 + means + room, size * channels * (channels + 1) / 2 + means

    @property
    def _fit_few(self) -> Work:
        values = self.count * self.channels
        return _work(values, self.sums, moved=values * (4 + self.samples.itemsize))

    @property
    def _fit_many(self) -> Work:
        channels, size, values = self.channels, self.sums.itemsize, self.count * self.channels
        groups = 1 + max(0, self.count - channels) / GROUP
        products = 2 * channels**2 * (self.count + groups) * (1 if not self.shrunk else 1 + 2 / GROUP)
        read = values * (4 + 2 * self.samples.itemsize + 2 * size)
        return _work(
            products + 4 * values,
            self.sums,
            moved=read + size * channels**2 * (1 + 2 * groups * (3 if self.shrunk else 1)),
        )

    def _prepare_dense(self, *, few: bool) -> Work:
        channels, values = self.channels, self.count * self.channels
        covariance = 2 * self.count * channels**2 if few else 0
        waiting = 0 if few else max(0, self.count - channels - 1) % GROUP
        read = values * (self.samples.itemsize + 2 * _DOUBLE) if few else 2 * self.sums.itemsize * channels**2
        decomposed = Work(
            double=covariance + 4 / 3 * channels**3,
            moved=read + 5 * _DOUBLE * channels**2 + self._dense_factor,
        )
        return _sum(decomposed, _work(2 * waiting * channels**2, self.sums))

    def _prepare_low_rank(self, precision: torch.dtype) -> Work:
        rank, channels = self.count - 1, self.channels
        return Work(
            double=3 * rank**2 * channels + rank**3 / 3,
            moved=rank * channels * (self.samples.itemsize + 4 * _DOUBLE + precision.itemsize),
        )

    def _of(self, work: Work) -> Work:
        """Return the work at all positions."""
        p = self.positions
        return Work(p * work.single, p * work.double, p * work.moved)


_NAMES = {torch.bfloat16: "bfloat16", torch.float32: "float32", torch.float64: "float64"}


def _work(operations: Number, precision: torch.dtype, *, moved: Number = 0) -> Work:
    if precision == torch.float64:
        return Work(double=operations, moved=moved)
    return Work(single=operations, moved=moved)


def _sum(one: Work, other: Work) -> Work:
    return Work(one.single + other.single, one.double + other.double, one.moved + other.moved)
