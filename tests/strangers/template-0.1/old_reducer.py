"""The reducer old_reducer, which makes embeddings smaller."""

from collections.abc import Iterable

import torch
from padimkit import BadArgument, BadData, Embedding, NotFitted, Reducer, require_state
from torch import Tensor


class OldReducer(Reducer):
    """The channels of highest variance.

    Args:
        keep: Number of channels to keep.
    """

    def __init__(self, keep: int = 4) -> None:
        self.keep = keep
        self._channels: Tensor | None = None

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learn which channels vary most."""
        sums, count = torch.zeros(()), 0
        for embedding in stream:  # batch by batch: all embeddings at once may not fit into memory
            values = embedding.patches.double()
            sums = sums + torch.stack([values.sum((0, 2, 3)), values.square().sum((0, 2, 3))])
            count += values[:, 0].numel()
        if count == 0:
            raise BadData("OldReducer.fit was given no embeddings.")
        mean, mean_square = sums / count
        if not 1 <= self.keep <= len(mean):
            raise BadArgument(f'Expected "keep" from 1 to the {len(mean)} channels, got {self.keep}.')
        self._channels = (mean_square - mean.square()).topk(self.keep).indices

    def transform(self, embedding: Embedding) -> Embedding:
        """Return the channels that are kept; the descriptor is left as it is."""
        return Embedding(embedding.patches[:, self.state_dict()["channels"]], embedding.descriptor)

    def state_dict(self) -> dict[str, Tensor]:
        """Return all that fit has learnt, as tensors."""
        if self._channels is None:
            raise NotFitted("OldReducer was used before fit.")
        return {"channels": self._channels}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Put this state in the place of anything learnt before."""
        require_state(self, state, channels=f"int {self.keep}")
        self._channels = state["channels"]
