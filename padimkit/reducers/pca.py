"""Principal components of all patches."""

from collections.abc import Iterable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.contracts import Reducer, Updatable
from padimkit.errors import BadArgument, BadData, NotFitted
from padimkit.moments import Moments
from padimkit.values import Embedding


@final
class PCA(Reducer, Updatable):
    """Project onto the components of highest variance over all patches of all images, exactly, in one pass.

    Args:
        keep: How many components to keep.
    """

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self._moments: Moments | None = None
        self._components: Tensor | None = None

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Finds the components.

        Raises:
            BadArgument: `keep` is below 1 or above the number of channels.
        """
        self._moments = self._components = None
        self.update(stream)

    def update(self, stream: Iterable[Embedding]) -> None:
        """Finds the components of all patches seen so far."""
        for embedding in stream:
            patches = embedding.patches
            if self._moments is None:
                self._moments = self._empty(patches)
            self._moments.update(patches.permute(0, 2, 3, 1).reshape(-1, 1, patches.shape[1]))
        if self._moments is None:
            raise BadData("PCA was given no embeddings to learn from.")
        self._components = None

    def transform(self, embedding: Embedding) -> Embedding:
        """The embedding in the basis of the components, less the mean of all patches."""
        components, mean = self._basis()
        patches = embedding.patches - mean[:, None, None]
        return Embedding(torch.einsum("kc,bchw->bkhw", components, patches), embedding.descriptor)

    def state_dict(self) -> dict[str, Tensor]:
        """The moments of all patches."""
        if self._moments is None:
            raise NotFitted("PCA.state_dict was called before fit.")
        return self._moments.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over the moments."""
        self._moments = Moments.from_state_dict(state)
        self._components = None

    def _empty(self, patches: Float[Tensor, "b c h w"]) -> Moments:
        channels = patches.shape[1]
        if not 1 <= self.keep <= channels:
            raise BadArgument(
                f'Expected "keep" from 1 to the {channels} channels of the embedding, got {self.keep}.'
            )
        # 448 channels at 56 x 56 positions of 209 images are 655,000 vectors: float32 sums would drift.
        return Moments.empty(1, channels, dtype=torch.float64, device=patches.device)

    def _basis(self) -> tuple[Float[Tensor, "k c"], Float[Tensor, " c"]]:
        if self._moments is None:
            raise NotFitted("PCA.transform was called before fit.")
        if self._components is None:
            self._components = _components(self._moments, self.keep)
        return self._components, self._moments.mean[0].float()


def _components(moments: Moments, keep: int) -> Float[Tensor, "k c"]:
    if moments.count < 2:
        raise BadData(f"PCA needs at least 2 patches, found {moments.count}.")
    _, vectors = torch.linalg.eigh(moments.covariance()[0])  # in ascending order of variance
    rows: Tensor = vectors.T.flip(0)[:keep]
    largest = rows.gather(1, rows.abs().argmax(1, keepdim=True))
    rows = rows * largest.sign()  # the sign of an eigenvector is arbitrary: fix it
    return rows.to(torch.float32)
