"""Mahalanobis distances by matrices that whiten, prepared once in float64 and used for each image."""

from abc import ABC, abstractmethod
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from padimkit.errors import SingularCovariance
from padimkit.few_samples import FewSamples

_CHUNK_BYTES = 2**25  # workspace
_CANCELLED = 1e-3  # of a difference that is smaller than this share, float32 leaves four digits


class Whitening(ABC):
    """Knows mean and covariance at each position in the form in which distances are quickest to find."""

    mean: Float[Tensor, "p d"]

    @abstractmethod
    def distances(self, samples: Float[Tensor, "n p d"]) -> Float[Tensor, "n p"]:
        """The Mahalanobis distance, with square root, of each vector from the mean at its position."""


@final
class DenseWhitening(Whitening):
    """W with W^T W the inverse of covariance + eps I, so that the distance of y from the mean is |W y|.

    `covariance` is overwritten, since for 550 dimensions at 3136 positions it takes 3.8 GB.

    Raises:
        SingularCovariance: A covariance has no Cholesky factor.
    """

    def __init__(self, mean: Float[Tensor, "p d"], covariance: Float[Tensor, "p d d"], *, eps: float) -> None:
        dimensions = covariance.shape[1]
        identity = torch.eye(dimensions, dtype=torch.float64, device=covariance.device)
        for matrices in torch.split(covariance, _chunk(8 * dimensions**2)):
            factors = _cholesky(matrices.double() + eps * identity, eps, channels=dimensions)
            matrices.copy_(torch.linalg.solve_triangular(factors, identity, upper=False))
        self.mean = mean
        self._factors = covariance

    def distances(self, samples: Float[Tensor, "n p d"]) -> Float[Tensor, "n p"]:
        distances: Tensor = torch.linalg.vector_norm(self._factors @ _columns(samples - self.mean), dim=1)
        return distances.T


@final
class LowRankWhitening(Whitening):
    """The same for fewer samples than dimensions, from an n x d factor (Woodbury's identity).

    X are the deviations of the n samples, L L^T = X X^T + eps (n - 1) I, and B = L^-1 X. For a deviation y,
    let b = B y. Its squared distance is (|y|^2 - |b|^2) / eps. Where that would cancel, along directions of
    large variance, it is |e|^2 / eps + (n - 1) |u|^2 with e = y - B^T b and u = L^-T b: the same without a
    difference of large numbers, at twice the cost.

    Raises:
        SingularCovariance: eps is 0, and so the covariance of rank n - 1 has no inverse.
    """

    def __init__(self, samples: FewSamples, *, eps: float) -> None:
        positions, channels = samples.shape
        count = samples.count
        if eps == 0:
            raise _singular(channels, eps)
        self.mean = samples.mean
        self._eps = eps
        self._factors = self.mean.new_empty(positions, count, channels)
        self._roots = self.mean.new_empty(positions, count, count)  # L^-T, scaled by the root of n - 1
        ridge = eps * (count - 1) * torch.eye(count, dtype=torch.float64, device=self.mean.device)
        for chosen in _slices(positions, 8 * count * (count + channels)):
            deviations = (samples.at(chosen) - self.mean[chosen, None]).double()
            lower = _cholesky(deviations @ deviations.mT + ridge, eps, channels=channels)
            inverse = torch.linalg.solve_triangular(lower, torch.eye(count).to(lower), upper=False)
            self._factors[chosen] = (inverse @ deviations).to(self.mean)
            self._roots[chosen] = ((count - 1) ** 0.5 * inverse.mT).to(self.mean)

    def distances(self, samples: Float[Tensor, "n p d"]) -> Float[Tensor, "n p"]:
        deviations = _columns(samples - self.mean)
        explained = self._factors @ deviations
        lengths = deviations.square().sum(1)
        rest = lengths - explained.square().sum(1)
        squares = rest / self._eps
        cancelled = (rest < _CANCELLED * lengths).any(1).nonzero()[:, 0]
        _, count, channels = self._factors.shape
        for few in torch.split(cancelled, _chunk(self._factors.element_size() * count * (count + channels))):
            squares[few] = self._uncancelled(deviations[few], explained[few], few)
        return squares.sqrt().T

    def _uncancelled(
        self, deviations: Float[Tensor, "k d n"], explained: Float[Tensor, "k r n"], few: Int[Tensor, " k"]
    ) -> Float[Tensor, "k n"]:
        residual = deviations - self._factors[few].mT @ explained
        inside = self._roots[few] @ explained
        squares: Tensor = residual.square().sum(1) / self._eps + inside.square().sum(1)
        return squares


def _columns(vectors: Float[Tensor, "n p d"]) -> Float[Tensor, "p d n"]:
    return vectors.permute(1, 2, 0).contiguous()  # strided columns make the product twice as slow


def _chunk(bytes_per_position: int) -> int:
    return max(1, _CHUNK_BYTES // bytes_per_position)


def _slices(positions: int, bytes_per_position: int) -> list[slice]:
    step = _chunk(bytes_per_position)
    return [slice(start, start + step) for start in range(0, positions, step)]


def _cholesky(matrices: Float[Tensor, "p k k"], eps: float, *, channels: int) -> Float[Tensor, "p k k"]:
    factors: Tensor
    factors, failures = torch.linalg.cholesky_ex(matrices)
    if failures.any():
        raise _singular(channels, eps)
    return factors


def _singular(channels: int, eps: float) -> SingularCovariance:
    return SingularCovariance(
        f"The covariance of {channels} channels is singular at some positions with eps = {eps:g}. "
        'Use a larger "eps" (the paper takes 0.01), fewer channels, more images, or precision "float64".'
    )
