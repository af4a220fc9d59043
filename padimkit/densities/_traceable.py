"""Mahalanobis distances as operations that can be traced, without a case that depends on values.

Apart from the whitenings, which divide their work by the number of images and look at what cancels.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.densities._factor import area, lower_triangle
from padimkit.densities._whitening import DenseWhitening, decomposed
from padimkit.memory import slices
from padimkit.moments.buffered import BufferedMoments
from padimkit.moments.samples import Samples

Distances = Callable[[Float[Tensor, "p n d"]], Float[Tensor, "p n"]]


def traceable_distances(learnt: BufferedMoments, *, eps: float, empirical: bool) -> Distances:
    """Return a function that gives the Mahalanobis distances of vectors at each position."""
    few = learnt.few if empirical else None
    if few and eps > 0:
        rank, dimensions = few.count - 1, few.shape[1]
        if rank * (2 * dimensions + rank) < area(lower_triangle(dimensions)):
            return _low_rank(few, eps=eps)
    return _dense(few or learnt, eps=eps)


def _dense(moments: BufferedMoments | Samples, *, eps: float) -> Distances:
    """Return |W y| with W^T W the inverse of covariance + eps I."""
    whitening = DenseWhitening(moments, eps=eps, half=False)
    mean, matrices = whitening.mean.float(), [kept.float() for kept in whitening.matrices]

    def distances(vectors: Float[Tensor, "p n d"]) -> Float[Tensor, "p n"]:
        deviations = vectors - mean[:, None]
        parts = [(deviations[:, :, : kept.shape[1]] @ kept).square().sum(2) for kept in matrices]
        return torch.sqrt(sum(parts[1:], start=parts[0]))

    return distances


def _low_rank(samples: Samples, *, eps: float) -> Distances:
    """Return the root of |y - B^T z|^2 / eps + (n - 1) |L^-T z|^2, z = B y.

    X, L and B = L^-1 X are those of `LowRankWhitening`. Nothing cancels, at twice the products: t = L^-T z is
    (X X^T + eps (n - 1) I)^-1 X y, and B^T z = X^T t.
    """
    positions, dimensions = samples.shape
    rank = samples.count - 1
    mean = torch.empty(positions, dimensions, dtype=torch.float32, device=samples.device)
    inner = mean.new_empty(positions, rank, dimensions)
    outer = mean.new_empty(positions, rank, rank)
    identity = torch.eye(rank, dtype=torch.float64, device=samples.device)
    for chosen in slices(positions, 4 * 8 * rank * (rank + dimensions)):
        mean[chosen], spread, lower = decomposed(samples, chosen, eps=eps)
        inner[chosen] = torch.linalg.solve_triangular(lower, spread, upper=False).float()
        outer[chosen] = torch.linalg.solve_triangular(lower, identity, upper=False).float()
    outer *= (samples.count - 1) ** 0.5

    def distances(vectors: Float[Tensor, "p n d"]) -> Float[Tensor, "p n"]:
        deviations = vectors - mean[:, None]
        inside = (inner @ deviations.transpose(1, 2)).transpose(1, 2)
        outside = deviations - inside @ inner
        return torch.sqrt(outside.square().sum(2) / eps + (inside @ outer).square().sum(2))

    return distances
