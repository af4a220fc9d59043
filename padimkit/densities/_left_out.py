"""Distances of learnt vectors from Gaussians that have not learnt them, without fitting anew.

Apart from the density, as the derivations are here and in decision 019.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.densities._whitening import DenseWhitening, cholesky, decomposed, singular
from padimkit.errors import BadData
from padimkit.memory import Allocator, slices
from padimkit.moments.buffered import BufferedMoments, Dense
from padimkit.moments.ledoit_wolf import ShrunkMoments
from padimkit.moments.moments import Moments
from padimkit.moments.samples import Samples

# Takes the vectors of images and the number of each image; returns the distance of each vector.
Distances: TypeAlias = Callable[[Float[Tensor, "n p d"], Sequence[int]], Float[Tensor, "p n"]]

_ROUNDING = 0.01  # of the largest deviation; samples in half precision are off by less


def distances_by_number(samples: Samples, *, eps: float) -> Distances:
    """Return the distances of samples that are held, each from the Gaussian of all others.

    With the matrices X and L of the low-rank form, whose X = R Y for the deviations Y, the share of image i
    that the others do not explain is t = N (N - 2) eps |L^-1 R_i|^2 / (N - 1), and the squared distance
    N (N - 2) / (N - 1) * (1 - t) / t: nothing cancels, however small t is.

    Raises:
        BadData: The vectors given are not those that were learnt.
        SingularCovariance: eps is 0, and so no covariance has an inverse.
    """
    positions, channels = samples.shape
    if eps == 0:
        raise singular(channels, eps)
    count = samples.count
    known = torch.empty(positions, count, dtype=samples.precision, device=samples.device)
    reflection = _reflection(count).to(samples.device)
    ratio = (count - 2) / (count - 1)
    for chosen in slices(positions, 4 * 8 * count * (count + channels)):
        _, _, lower = decomposed(samples, chosen, eps=ratio * eps)
        turned = torch.linalg.solve_triangular(lower, reflection, upper=False)
        unexplained = count * ratio * eps * turned.square().sum(1)
        known[chosen] = (count * ratio * (1 - unexplained).clamp(min=0) / unexplained).sqrt()
    first = samples.vectors(slice(0, 1))[0]
    largest = torch.linalg.vector_norm(first - first.mean(0), dim=1).max()

    def distances(vectors: Float[Tensor, "n p d"], numbers: Sequence[int]) -> Float[Tensor, "p n"]:
        if max(numbers) >= count:
            raise _never_learnt()
        far = torch.linalg.vector_norm(vectors[:, 0] - first[list(numbers)], dim=1) > _ROUNDING * largest
        if far.any():
            raise _never_learnt()
        return known[:, list(numbers)]

    return distances


def distances_by_formula(moments: BufferedMoments, *, eps: float, allocator: Allocator) -> Distances:
    """Return the distances of learnt vectors, each from the Gaussian of all others.

    With a = (N - 1) / (N - 2), the covariance of the others plus eps I is a times that of all plus eps / a I,
    minus a matrix of rank one (Sherman and Morrison).

    Raises:
        BadData: The vectors given are not those that were learnt.
    """
    count = moments.count
    scale = (count - 1) / (count - 2)
    whitening = DenseWhitening(moments, eps=eps / scale, half=False, allocator=allocator)
    shift = count / (count - 1)

    def distances(vectors: Float[Tensor, "n p d"], numbers: Sequence[int]) -> Float[Tensor, "p n"]:
        squares = whitening.distances(vectors).double().square()
        left = 1 - shift / (count - 1) * squares
        if not (left > 0).all():
            raise _never_learnt()
        return shift * (squares / scale / left).sqrt()

    return distances


def distances_by_moments(moments: BufferedMoments, *, eps: float) -> Distances:
    """Return the distances of all vectors of learnt images, each image from the Gaussian of the others.

    The moments of an image are taken from those of all, in float64, and the rest is decomposed: a product of
    d * d * d for each image and position, for what has no shorter form.
    """

    def distances(vectors: Float[Tensor, "n p d"], numbers: Sequence[int]) -> Float[Tensor, "p n"]:
        _, positions, dimensions = vectors.shape
        found = vectors.new_empty(positions, len(vectors))
        for chosen in slices(positions, 5 * 8 * dimensions**2):
            whole = _in_float64(moments.at(chosen))
            columns = torch.split(vectors[:, chosen].double(), len(vectors) // len(numbers))
            found[chosen] = torch.cat([_distances_from_rest(whole, own, eps) for own in columns], dim=1).to(
                found
            )
        return found

    return distances


def _distances_from_rest(whole: Dense, own: Float[Tensor, "m k d"], eps: float) -> Float[Tensor, "k m"]:
    count, positions, dimensions = own.shape
    if whole.count - count < 2:
        raise BadData(f"Without one of its images, a Gaussian has {whole.count - count} samples; it needs 2.")
    image = type(whole).empty(positions, dimensions, dtype=own.dtype, device=own.device)
    image.update(own)
    rest = whole.without(image)  # type: ignore[arg-type]  # they are of one form
    covariance = rest.covariance()
    torch.diagonal(covariance, dim1=1, dim2=2).add_(eps)
    lower = cholesky(covariance, eps, channels=dimensions)
    deviations = own.transpose(0, 1) - rest.mean[:, None]
    whitened = torch.linalg.solve_triangular(lower, deviations.mT, upper=False)
    lengths: Tensor = torch.linalg.vector_norm(whitened, dim=1)
    return lengths


def _in_float64(moments: Dense) -> Dense:
    if isinstance(moments, ShrunkMoments):
        plain = moments.moments
        plain = Moments(plain.count, plain.mean.double(), plain.scatter.double())
        return ShrunkMoments(plain, moments.cubic.double(), moments.quartic.double())
    return Moments(moments.count, moments.mean.double(), moments.scatter.double())


def _reflection(count: int) -> Float[Tensor, "r n"]:
    """Return the rows of the reflection by which the low-rank form turns n deviations into n - 1 vectors."""
    root = count**0.5
    rows = torch.full((count - 1, count), -1 / (root * (root - 1)), dtype=torch.float64)
    rows.diagonal().add_(1)
    rows[:, -1] = 1 / root
    return rows


def _never_learnt() -> BadData:
    return BadData(
        "These are not the images that the Gaussians have learnt, or not in the same order. Pass all images "
        "of the fit in their order, or calibrate on new images as such."
    )
