"""The density old_density, which learns normal embeddings and scores others by their distance to them."""

from collections.abc import Iterable

import torch
from padimkit import BadData, DensityModel, Embedding, NotFitted, Scores, require_state
from torch import Tensor


class OldDensity(DensityModel):
    """The distance of each patch to the mean of all normal patches at the same position.

    Args:
        power: The distance is raised to this power.
    """

    def __init__(self, power: float = 1.0) -> None:
        self.power = power
        self._learnt: dict[str, Tensor] = {}

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learn the mean."""
        total, count = torch.zeros(()), 0
        for embedding in stream:  # batch by batch: all embeddings at once may not fit into memory
            total = total + embedding.patches.double().sum(0)
            count += len(embedding.patches)
        if count == 0:
            raise BadData("OldDensity.fit was given no embeddings.")
        self._learnt = {"mean": (total / count).float()}

    def score(self, embedding: Embedding) -> Scores:
        """Return one score per patch, higher where it is more anomalous."""
        away = embedding.patches - self.state_dict()["mean"]
        return Scores(torch.linalg.vector_norm(away, dim=1) ** self.power)

    def state_dict(self) -> dict[str, Tensor]:
        """Return all that fit has learnt, as tensors."""
        if not self._learnt:
            raise NotFitted("OldDensity was used before fit.")
        return dict(self._learnt)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Put this state in the place of anything learnt before."""
        require_state(self, state, mean="float channels height width")
        self._learnt = dict(state)
