"""PaDiM's density: a Gaussian per patch position."""

from collections.abc import Iterable
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.arguments import require_alike
from padimkit.contracts import DensityModel, Mergeable, Updatable
from padimkit.errors import BadArgument, BadData, BadShape, NotFitted, SingularCovariance
from padimkit.moments import Moments
from padimkit.shrinkage import ShrunkMoments
from padimkit.values import Embedding, Scores

_MOMENTS: dict[str, type[Moments] | type[ShrunkMoments]] = {
    "empirical": Moments,
    "ledoit_wolf": ShrunkMoments,
}
_DTYPES = {"float32": torch.float32, "float64": torch.float64}
_CHUNK_BYTES = 2**26  # workspace for factorising covariances


@final
class Gaussian(DensityModel, Updatable, Mergeable):
    """Mahalanobis distance, with square root, to a Gaussian (PaDiM paper, sections III-B and III-D).

    Args:
        eps: Added to the diagonal of the covariance, which is singular for fewer images than channels.
        covariance: The sample covariance divided by n - 1, or shrunk by Ledoit-Wolf.
        scope: One Gaussian per position, or one that all positions share.
        precision: Of the moments and of the scores.
    """

    def __init__(
        self,
        eps: float = 0.01,
        covariance: Literal["empirical", "ledoit_wolf"] = "empirical",
        scope: Literal["per_position", "shared"] = "per_position",
        precision: Literal["float32", "float64"] = "float32",
    ) -> None:
        self.eps = eps
        self.covariance = covariance
        self.scope = scope
        self.precision = precision
        if eps < 0:
            raise BadArgument(f'Expected "eps" of at least 0, got {eps}.')
        self._moments: Moments | ShrunkMoments | None = None
        self._whitening: Tensor | None = None
        self._grid: tuple[int, int] | None = None

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learns mean and covariance in one pass, in memory that does not depend on the number of images."""
        self._moments = self._whitening = self._grid = None
        self.update(stream)

    def update(self, stream: Iterable[Embedding]) -> None:
        """Learns from more embeddings, exactly as if all had been in one stream."""
        for embedding in stream:
            samples = self._samples(embedding.patches)
            if self._moments is None:
                _, positions, dimensions = samples.shape
                self._moments = _MOMENTS[self.covariance].empty(
                    positions, dimensions, dtype=_DTYPES[self.precision], device=samples.device
                )
            self._moments.update(samples)
            self._whitening = None

    def merge(self, other: "Gaussian") -> None:
        """Learns what `other` has learnt.

        Raises:
            CannotMerge: `other` has other arguments.
            NotFitted: One of the two has learnt nothing yet.
        """
        require_alike(self, other)
        self._fitted("merge").merge(other._fitted("merge"))  # type: ignore[arg-type]
        self._whitening = None

    def score(self, embedding: Embedding) -> Scores:
        """The distance of each patch from what is normal at its position."""
        whitening = self._whiten()
        patches = embedding.patches
        batch, _, height, width = patches.shape
        samples, mean = self._samples(patches), self._fitted("score").mean
        if samples.shape[2] != mean.shape[1]:
            raise BadShape(f"The Gaussians were fitted on {mean.shape[1]} channels, got {samples.shape[2]}.")
        whitened = whitening @ (samples.to(mean) - mean).permute(1, 2, 0)
        distances = torch.linalg.vector_norm(whitened, dim=1)
        if self.scope == "per_position":
            distances = distances.T
        return Scores(distances.reshape(batch, height, width).float())

    def state_dict(self) -> dict[str, Tensor]:
        """The moments, and the grid of positions."""
        moments = self._fitted("state_dict")
        assert self._grid is not None
        return moments.state_dict() | {"grid": torch.tensor(self._grid)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over the moments."""
        height, width = state["grid"].tolist()
        self._grid = (height, width)
        self._moments = _MOMENTS[self.covariance].from_state_dict(state)
        self._whitening = None

    def _fitted(self, method: str) -> Moments | ShrunkMoments:
        if self._moments is None:
            raise NotFitted(f"Gaussian.{method} was called before fit.")
        return self._moments

    def _samples(self, patches: Float[Tensor, "b c h w"]) -> Float[Tensor, "n p c"]:
        vectors = patches.permute(0, 2, 3, 1)
        if self.scope == "shared":
            self._grid = (1, 1)
            return vectors.reshape(-1, 1, patches.shape[1])
        grid = (patches.shape[2], patches.shape[3])
        if self._grid is None:
            self._grid = grid
        if grid != self._grid:
            raise BadShape(
                f"The Gaussians were fitted on {self._grid[0]} x {self._grid[1]} positions, got "
                f'{grid[0]} x {grid[1]}. Use images of one size, or scope "shared".'
            )
        return vectors.flatten(1, 2)

    def _whiten(self) -> Float[Tensor, "p d d"]:
        """Matrices W with W^T W the inverse covariance, so that the distance of x is |W (x - mean)|."""
        if self._whitening is None:
            moments = self._fitted("score")
            if moments.count < 2:
                raise BadData(f"A Gaussian needs at least 2 samples per position, found {moments.count}.")
            self._whitening = _whitening(moments.covariance(), self.eps)
        return self._whitening


def _whitening(covariance: Float[Tensor, "p d d"], eps: float) -> Float[Tensor, "p d d"]:
    """The inverse Cholesky factors of covariance + eps I, written over the covariance."""
    dimensions = covariance.shape[1]
    identity = torch.eye(dimensions, dtype=covariance.dtype, device=covariance.device)
    chunk = max(1, _CHUNK_BYTES // (covariance.element_size() * dimensions**2))
    for matrices in torch.split(covariance, chunk):
        torch.diagonal(matrices, dim1=1, dim2=2).add_(eps)
        factors, failures = torch.linalg.cholesky_ex(matrices)
        if failures.any():
            raise SingularCovariance(
                f"The covariance of {dimensions} channels is singular at some positions with eps = {eps:g}. "
                'Use a larger "eps" (the paper takes 0.01), fewer channels or more images.'
            )
        matrices.copy_(torch.linalg.solve_triangular(factors, identity, upper=False))
    return covariance
