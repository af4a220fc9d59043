"""A random selection of channels."""

from collections.abc import Callable, Iterable, Sequence
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from padimkit.contracts import LinearReducer, Reducer
from padimkit.errors import BadArgument, BadData, NotFitted
from padimkit.values import Embedding


@final
class RandomChannels(Reducer, LinearReducer):
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
        self._channels = shuffled[: self.keep].sort().values

    def transform(self, embedding: Embedding) -> Embedding:
        """The chosen channels, in their original order."""
        return Embedding(_select(embedding.patches, self._chosen()), embedding.descriptor)

    def transform_apart(
        self,
        maps: Sequence[Float[Tensor, "b _ _ _"]],
        align: Callable[[Float[Tensor, "b _ _ _"]], Float[Tensor, "b _ h w"]],
    ) -> Float[Tensor, "b k h w"]:
        """The chosen channels of each layer, aligned."""
        parts, start = [], 0
        for map in maps:
            channels = self._chosen()
            few = channels[(channels >= start) & (channels < start + map.shape[1])] - start
            if len(few):
                parts.append(align(_select(map, few)))
            start += map.shape[1]
        return torch.cat(parts, dim=1)

    def _chosen(self) -> Int[Tensor, " k"]:
        if self._channels is None:
            raise NotFitted("RandomChannels.transform was called before fit.")
        return self._channels

    def state_dict(self) -> dict[str, Tensor]:
        """The indices of the chosen channels."""
        if self._channels is None:
            raise NotFitted("RandomChannels.state_dict was called before fit.")
        return {"channels": self._channels}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over the choice."""
        self._channels = state["channels"].cpu()


def _select(map: Float[Tensor, "b c h w"], channels: Int[Tensor, " k"]) -> Float[Tensor, "b k h w"]:
    """Channels side by side, as densities read them: quicker to select, and to align, than planes."""
    return map.permute(0, 2, 3, 1).index_select(3, channels.to(map.device)).permute(0, 3, 1, 2)
