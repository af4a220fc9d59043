"""PaDiM's density: a Gaussian per patch position."""

from collections.abc import Iterable
from typing import Literal, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.arguments import require_alike
from padimkit.choices import require_choice
from padimkit.contracts import DensityModel, Mergeable, Updatable
from padimkit.densities.whitening import DenseWhitening, LowRankWhitening, Whitening
from padimkit.errors import BadArgument, BadData, BadShape, NotFitted
from padimkit.few_samples import FewSamples
from padimkit.moments import Moments
from padimkit.shrinkage import ShrunkMoments
from padimkit.values import Embedding, Scores

Learnt: TypeAlias = FewSamples | Moments | ShrunkMoments

_FORMS: dict[str, type[Moments] | type[ShrunkMoments]] = {
    "empirical": Moments,
    "ledoit_wolf": ShrunkMoments,
}
_DTYPES = {"float32": torch.float32, "float64": torch.float64}


@final
class Gaussian(DensityModel, Updatable, Mergeable):
    """Mahalanobis distance, with square root, to a Gaussian (PaDiM paper, sections III-B and III-D).

    Args:
        eps: Added to the diagonal of the covariance, which is singular for fewer images than channels.
        covariance: The sample covariance divided by n - 1, or shrunk by Ledoit-Wolf.
        scope: One Gaussian per position, or one that all positions share.
        precision: Of the moments and of the scores; float32 resolves variances down to 1e-6 of the largest.
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
        require_choice("covariance", covariance, _FORMS)
        require_choice("scope", scope, ("per_position", "shared"))
        require_choice("precision", precision, _DTYPES)
        if not eps >= 0:
            raise BadArgument(f'Expected "eps" of at least 0, got {eps}.')
        self._learnt: Learnt | None = None
        self._whitening: Whitening | None = None
        self._grid: tuple[int, int] | None = None

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learns mean and covariance in one pass, in memory that does not depend on the number of images."""
        self._learnt = self._whitening = self._grid = None
        self.update(stream)
        if self._learnt is None:
            raise BadData("Gaussian was given no embeddings to learn from.")

    def update(self, stream: Iterable[Embedding]) -> None:
        """Learns from more embeddings, exactly as if all had been in one stream."""
        for embedding in stream:
            samples = self._samples(embedding.patches)
            if self._learnt is None:
                self._learnt = self._first(samples)
            else:
                self._learnt.update(samples)
            self._learnt = _compact(self._learnt)
            self._whitening = None

    def merge(self, other: "Gaussian") -> None:
        """Learns what `other` has learnt.

        Raises:
            CannotMerge: `other` has other arguments.
            NotFitted: One of the two has learnt nothing yet.
        """
        require_alike(self, other)
        self._learnt = _compact(_merged(self._fitted("merge"), other._fitted("merge")))
        self._whitening = None

    def score(self, embedding: Embedding) -> Scores:
        """The distance of each patch from what is normal at its position."""
        whitening = self._whiten()
        batch, channels, height, width = embedding.patches.shape
        if channels != whitening.mean.shape[1]:
            raise BadShape(
                f"The Gaussians were fitted on {whitening.mean.shape[1]} channels, got {channels}."
            )
        distances = whitening.distances(self._samples(embedding.patches).to(whitening.mean))
        return Scores(distances.reshape(batch, height, width).float())

    def state_dict(self) -> dict[str, Tensor]:
        """The moments, or the samples where they are few, and the grid of positions."""
        learnt = self._fitted("state_dict")
        assert self._grid is not None
        return learnt.state_dict() | {"grid": torch.tensor(self._grid)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over the moments."""
        height, width = state["grid"].tolist()
        self._grid = (height, width)
        form = FewSamples if "samples" in state else _FORMS[self.covariance]
        self._learnt = form.from_state_dict(state)
        self._whitening = None

    def _first(self, samples: Float[Tensor, "n p c"]) -> Learnt:
        dtype = _DTYPES[self.precision]
        if self.covariance == "empirical":
            return FewSamples.of(samples, dtype)
        learnt = ShrunkMoments.empty(*samples.shape[1:], dtype=dtype, device=samples.device)
        learnt.update(samples)
        return learnt

    def _fitted(self, method: str) -> Learnt:
        if self._learnt is None:
            raise NotFitted(f"Gaussian.{method} was called before fit.")
        return self._learnt

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

    def _whiten(self) -> Whitening:
        if self._whitening is None:
            learnt = self._fitted("score")
            if learnt.count < 2:
                raise BadData(f"A Gaussian needs at least 2 samples per position, found {learnt.count}.")
            if isinstance(learnt, FewSamples):
                self._whitening = LowRankWhitening(learnt, eps=self.eps)
            else:
                self._whitening = DenseWhitening(learnt.mean, learnt.covariance(), eps=self.eps)
        return self._whitening


def _merged(own: Learnt, other: Learnt) -> Learnt:
    if type(own) is not type(other):
        own, other = _dense(own), _dense(other)
    own.merge(other)  # type: ignore[arg-type]  # they are of one type
    return own


def _dense(learnt: Learnt) -> Moments:
    assert not isinstance(learnt, ShrunkMoments)
    return learnt.dense() if isinstance(learnt, FewSamples) else learnt


def _compact(learnt: Learnt) -> Learnt:
    """Scatter matrices as soon as they take no more room than the samples."""
    if isinstance(learnt, FewSamples) and learnt.count > learnt.shape[1]:
        return learnt.dense()
    return learnt
