"""Mahalanobis distances by whitening matrices, prepared once in float64 and used for each image."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from padimkit.densities._factor import (
    RESOLUTION,
    Block,
    Factor,
    FullFactor,
    HalfFactor,
    area,
    length,
    lower_triangle,
    rectangle,
)
from padimkit.errors import SingularCovariance
from padimkit.memory import CACHE, IN_MEMORY, Allocator, slices
from padimkit.moments.buffered import BufferedMoments
from padimkit.moments.samples import Samples

_PROBED = 32  # positions


class Whitening(ABC):
    """The mean and covariance at each position, in a form that gives distances quickly."""

    mean: Float[Tensor, "p d"]

    def distances(self, vectors: Float[Tensor, "n p d"]) -> Float[Tensor, "p n"]:
        """Return the Mahalanobis distance, with square root, of each vector from the mean at its position."""
        count, positions, dimensions = vectors.shape
        # Transposed once as a whole: portions would be read with strides.
        vectors = vectors.contiguous()
        portions = slices(positions, 4 * count * dimensions, CACHE)
        return torch.cat([self._distances(vectors[:, chosen], chosen) for chosen in portions])

    @abstractmethod
    def _distances(self, vectors: Float[Tensor, "n k d"], positions: slice) -> Float[Tensor, "k n"]:
        """Return the distances at some positions."""

    def __deepcopy__(self, memo: object) -> "Whitening":
        return self  # never changed once it is made


@final
class DenseWhitening(Whitening):
    """Matrices W with W^T W the inverse of covariance + eps I: a deviation y has the distance |W y|.

    Raises:
        SingularCovariance: A covariance has no Cholesky factor.
    """

    def __init__(
        self,
        moments: BufferedMoments | Samples,
        *,
        eps: float,
        half: bool,
        allocator: Allocator = IN_MEMORY,
    ) -> None:
        positions, dimensions = moments.shape
        self.mean = torch.empty(positions, dimensions, dtype=moments.precision, device=moments.device)
        identity = torch.eye(dimensions, dtype=torch.float64, device=self.mean.device)
        self._factor = _factor(self.mean, lower_triangle(dimensions), half=half, allocator=allocator)
        for chosen in slices(positions, 4 * 8 * dimensions * (dimensions + self._rows(moments)), CACHE):
            self.mean[chosen], covariance = moments.gaussian(chosen)
            torch.diagonal(covariance, dim1=1, dim2=2).add_(eps)
            lower = cholesky(covariance, eps, channels=dimensions)
            self._factor.write(chosen, torch.linalg.solve_triangular(lower, identity, upper=False))

    def _distances(self, vectors: Float[Tensor, "n k d"], positions: slice) -> Float[Tensor, "k n"]:
        deviations = self._factor.deviations(vectors, self.mean[positions])
        return self._factor.lengths(deviations, positions)

    @property
    def matrices(self) -> tuple[Float[Tensor, "p w _"], ...]:
        """The matrices in full precision, by blocks as `FullFactor` has them."""
        assert isinstance(self._factor, FullFactor)
        return self._factor.matrices

    @staticmethod
    def _rows(moments: BufferedMoments | Samples) -> int:
        return moments.count if isinstance(moments, Samples) else 0


@final
class LowRankWhitening(Whitening):
    """An (n - 1) x d factor at each position, for no more samples than dimensions (Woodbury's identity).

    X are n - 1 vectors with the scatter of the n samples, L L^T = X X^T + eps (n - 1) I, and B = L^-1 X. The
    squared distance of a deviation y is (|y|^2 - |B y|^2) / eps. If that would cancel, along directions of
    large variance, it is computed again from the samples, in float64.

    Args:
        samples: The n samples.
        eps: Added to the variances.
        precision: That of the factor.

    Raises:
        SingularCovariance: eps is 0, and so the covariance of rank n - 1 has no inverse.
    """

    def __init__(self, samples: Samples, *, eps: float, precision: torch.dtype) -> None:
        positions, channels = samples.shape
        if eps == 0:
            raise singular(channels, eps)
        self._samples = samples.copy()  # others may take in more while this one is used
        self._eps = eps
        rank, half = samples.count - 1, precision == torch.bfloat16
        of_mean = samples.precision if half else precision
        self.mean = torch.empty(positions, channels, dtype=of_mean, device=samples.device)
        self._factor = _factor(self.mean, rectangle(rank, channels), half=half)
        for chosen in slices(positions, 3 * 8 * rank * (rank + channels)):
            self.mean[chosen], spread, lower = decomposed(samples, chosen, eps=eps)
            self._factor.write(chosen, torch.linalg.solve_triangular(lower, spread, upper=False))

    def _distances(self, vectors: Float[Tensor, "n k d"], positions: slice) -> Float[Tensor, "k n"]:
        deviations = self._factor.deviations(vectors, self.mean[positions])
        lengths = length(deviations, dim=2)
        explained = self._factor.lengths(deviations, positions)
        rest = (lengths - explained) * (lengths + explained)
        squares = rest / self._eps
        cancelled = (rest < self._factor.resolution * lengths.square()).any(1).nonzero()[:, 0]
        count, (_, dimensions) = self._samples.count, self._samples.shape
        for portion in slices(len(cancelled), 3 * 8 * count * (count + dimensions)):
            few = cancelled[portion]
            squares[few] = self._uncancelled(vectors[:, few], few + positions.start).to(squares)
        return torch.sqrt(squares).to(self._samples.precision)

    def _uncancelled(self, vectors: Float[Tensor, "n k d"], few: Int[Tensor, " k"]) -> Float[Tensor, "k n"]:
        """Return |y - X^T t|^2 / eps + (n - 1) |t|^2, t = (X X^T + eps (n - 1) I)^-1 X y: nothing cancels."""
        mean, spread, lower = decomposed(self._samples, few, eps=self._eps)
        deviations = (vectors.transpose(0, 1).double() - mean[:, None]).mT
        inside = torch.cholesky_solve(spread @ deviations, lower)
        outside = deviations - spread.mT @ inside
        outer: Tensor = outside.square().sum(1)
        inner: Tensor = inside.square().sum(1)
        return outer / self._eps + (self._samples.count - 1) * inner


def decomposed(
    samples: Samples, positions: slice | Int[Tensor, " _"], *, eps: float
) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k r d"], Float[Tensor, "k r r"]]:
    """Return the mean, and X and L of the low-rank form, at some positions."""
    mean, deviations = samples.at(positions)
    count = samples.count
    # A reflection that turns the last of the n deviations, whose sum is 0, into 0: n - 1 are left.
    spread = deviations[:, :-1].add_(deviations[:, -1:] / (count**0.5 - 1))
    products = spread @ spread.mT
    torch.diagonal(products, dim1=1, dim2=2).add_(eps * (count - 1))
    return mean, spread, cholesky(products, eps, channels=spread.shape[2])


def smallest_whitening(samples: Samples, *, eps: float, half: bool) -> Whitening:
    """Return the whitening that takes the least memory, for at most as many samples as dimensions."""
    precision = torch.bfloat16 if half else samples.precision
    return _chosen(samples, float("inf"), [precision], eps=eps, half=half)


def quickest_whitening(samples: Samples, *, eps: float, half: bool) -> Whitening:
    """Return the whitening that scores the quickest, for at most as many samples as dimensions.

    That is the smallest, unless the variance is so far above eps that in the low-rank form even the distance
    of a typical training image, about the root of n - 1, would suffer from cancellation. The low-rank form in
    a higher precision suffers later, and is used where it is no larger than the dense form.
    """
    positions, _ = samples.shape
    rank = samples.count - 1
    probed = torch.arange(0, positions, max(1, positions // _PROBED), device=samples.device)[:_PROBED]
    variance = samples.at(probed)[1].square().sum((1, 2)) / rank
    left = float((rank * eps / variance).median())
    return _chosen(
        samples, left, [*[torch.bfloat16] * half, samples.precision, torch.float64], eps=eps, half=half
    )


def _chosen(
    samples: Samples, left: float, precisions: Sequence[torch.dtype], *, eps: float, half: bool
) -> Whitening:
    precision = low_rank_precision(samples.count, samples.shape[1], left, precisions)
    if precision is None:
        return DenseWhitening(samples, eps=eps, half=half)
    return LowRankWhitening(samples, eps=eps, precision=precision)


def low_rank_precision(
    count: int, channels: int, left: float, precisions: Sequence[torch.dtype]
) -> torch.dtype | None:
    """Return the lowest precision in which the low-rank form is right and no larger than the dense one.

    None if there is no such precision.

    Args:
        count: Number of samples, at most that of channels.
        channels: Number of channels.
        left: The share of |y|^2 that is left of a typical deviation y in the low-rank form.
        precisions: In ascending order; that of the dense form is the first.
    """
    largest = dense_bytes(channels, precisions[0])
    fitting = (p for p in precisions if (count - 1) * channels * p.itemsize <= largest)
    return next((precision for precision in fitting if left >= RESOLUTION[precision]), None)


def dense_bytes(channels: int, precision: torch.dtype) -> int:
    """Return the bytes of a dense factor at one position."""
    return area(lower_triangle(channels)) * precision.itemsize


def _factor(
    mean: Float[Tensor, "p d"], blocks: tuple[Block, ...], *, half: bool, allocator: Allocator = IN_MEMORY
) -> Factor:
    if half:
        return HalfFactor(mean.shape[0], blocks, device=mean.device)
    return FullFactor(mean.shape[0], blocks, dtype=mean.dtype, device=mean.device, allocator=allocator)


def cholesky(matrices: Float[Tensor, "p k k"], eps: float, *, channels: int) -> Float[Tensor, "p k k"]:
    factors: Tensor
    factors, failures = torch.linalg.cholesky_ex(matrices)
    if failures.any():
        raise singular(channels, eps)
    return factors


def singular(channels: int, eps: float) -> SingularCovariance:
    return SingularCovariance(
        f"The covariance of {channels} channels is singular at some positions with eps = {eps:g}. "
        'Use a larger "eps" (the paper takes 0.01), fewer channels, more images, or precision "float64".'
    )
