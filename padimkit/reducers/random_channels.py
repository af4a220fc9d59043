"""A random selection of channels."""

from collections.abc import Iterable
from typing import final

import torch
from torch import Tensor

from padimkit.contracts import Reducer
from padimkit.errors import BadArgument, BadData, NotFitted
from padimkit.values import Embedding


@final
class RandomChannels(Reducer):
    """Keep the same random channels at every position (PaDiM paper, section III-C: "Rd").

    Args:
        keep: How many channels to keep.
        seed: Fixes the choice.
    """

    def __init__(self, keep: int, seed: int = 0) -> None:
        self.keep = keep
        self.seed = seed
        self._channels: Tensor | None = None

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Chooses among the channels of the first embedding.

        Raises:
            BadArgument: `keep` is below 1 or above the number of channels.
        """
        first = next(iter(stream), None)
        if first is None:
            raise BadData("RandomChannels.fit was given no embeddings.")
        channels = first.patches.shape[1]
        if not 1 <= self.keep <= channels:
            raise BadArgument(
                f'Expected "keep" from 1 to the {channels} channels of the embedding, got {self.keep}.'
            )
        shuffled = torch.randperm(channels, generator=torch.Generator().manual_seed(self.seed))
        self._channels = shuffled[: self.keep].sort().values.to(first.patches.device)

    def transform(self, embedding: Embedding) -> Embedding:
        """The chosen channels, in their original order."""
        if self._channels is None:
            raise NotFitted("RandomChannels.transform was called before fit.")
        return Embedding(embedding.patches.index_select(1, self._channels), embedding.descriptor)

    def state_dict(self) -> dict[str, Tensor]:
        """The indices of the chosen channels."""
        if self._channels is None:
            raise NotFitted("RandomChannels.state_dict was called before fit.")
        return {"channels": self._channels}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over the choice."""
        self._channels = state["channels"]
