"""Mahalanobis distances by matrices that whiten, prepared once and used for each image."""

from abc import ABC, abstractmethod
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.errors import SingularCovariance
from padimkit.few_samples import FewSamples

_CHUNK_BYTES = 2**26  # workspace for factorising


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
        identity = torch.eye(dimensions, dtype=covariance.dtype, device=covariance.device)
        for matrices in torch.split(covariance, _chunk(covariance.element_size() * dimensions**2)):
            torch.diagonal(matrices, dim1=1, dim2=2).add_(eps)
            matrices.copy_(torch.linalg.solve_triangular(_cholesky(matrices, eps), identity, upper=False))
        self.mean = mean
        self._factors = covariance

    def distances(self, samples: Float[Tensor, "n p d"]) -> Float[Tensor, "n p"]:
        distances: Tensor = torch.linalg.vector_norm(self._factors @ _columns(samples - self.mean), dim=1)
        return distances.T


@final
class LowRankWhitening(Whitening):
    """The same for fewer samples than dimensions, from an n x d factor (Woodbury's identity).

    With the deviations X of the n samples, and r = eps (n - 1), the squared distance of y from the mean is
    (|y|^2 - |B y|^2) / eps, where B = L^-1 X and L L^T = X X^T + r I.

    Raises:
        SingularCovariance: eps is 0, and so the covariance of rank n - 1 has no inverse.
    """

    def __init__(self, samples: FewSamples, *, eps: float) -> None:
        positions, dimensions = samples.shape
        if eps == 0:
            raise _singular(dimensions, eps)
        self.mean = samples.mean
        self._eps = eps
        self._factors = self.mean.new_empty(positions, samples.count, dimensions)
        step = _chunk(self.mean.element_size() * samples.count * (dimensions + samples.count))
        for start in range(0, positions, step):
            chosen = slice(start, start + step)
            deviations = samples.at(chosen) - self.mean[chosen, None]
            gram = deviations @ deviations.mT
            torch.diagonal(gram, dim1=1, dim2=2).add_(eps * (samples.count - 1))
            torch.linalg.solve_triangular(
                _cholesky(gram, eps), deviations, upper=False, out=self._factors[chosen]
            )

    def distances(self, samples: Float[Tensor, "n p d"]) -> Float[Tensor, "n p"]:
        deviations = _columns(samples - self.mean)
        lengths = torch.linalg.vector_norm(deviations, dim=1).square()
        explained = torch.linalg.vector_norm(self._factors @ deviations, dim=1).square()
        squares: Tensor = (lengths - explained).clamp(min=0) / self._eps
        return squares.sqrt().T


def _columns(vectors: Float[Tensor, "n p d"]) -> Float[Tensor, "p d n"]:
    return vectors.permute(1, 2, 0).contiguous()  # strided columns make the product twice as slow


def _chunk(bytes_per_position: int) -> int:
    return max(1, _CHUNK_BYTES // bytes_per_position)


def _cholesky(matrices: Float[Tensor, "p k k"], eps: float) -> Float[Tensor, "p k k"]:
    factors: Tensor
    factors, failures = torch.linalg.cholesky_ex(matrices)
    if failures.any():
        raise _singular(matrices.shape[1], eps)
    return factors


def _singular(dimensions: int, eps: float) -> SingularCovariance:
    return SingularCovariance(
        f"The covariance of {dimensions} channels is singular at some positions with eps = {eps:g}. "
        'Use a larger "eps" (the paper takes 0.01), fewer channels or more images.'
    )
