"""A random selection of channels."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from padimkit.contracts import LinearReducer, PyramidReducer, Reducer
from padimkit.errors import BadArgument, BadData, NotFitted
from padimkit.values import Embedding


@final
class RandomChannels(Reducer, LinearReducer, PyramidReducer):
    """Keep the same random channels at every position (PaDiM paper, section III-C: "Rd").

    Args:
        keep: How many channels to keep.
        seed: Fixes the choice.
    """

    def __init__(self, keep: int, seed: int = 0) -> None:
        self.keep = keep
        self.seed = seed
        self._channels: Tensor | None = None
        self._by_layer: dict[tuple[tuple[int, ...], torch.device], list[Tensor]] = {}

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
        self._by_layer = {}

    def transform(self, embedding: Embedding) -> Embedding:
        """The chosen channels, in their original order."""
        return Embedding(_select(embedding.patches, self._chosen()), embedding.descriptor)

    def transform_then_align(
        self,
        maps: Sequence[Float[Tensor, "b _ _ _"]],
        align: Callable[[Float[Tensor, "b _ _ _"]], Float[Tensor, "b _ h w"]],
    ) -> Float[Tensor, "b k h w"]:
        """The chosen channels of each layer, aligned."""
        return torch.cat([align(map) for map in self.transform_pyramid(maps) if map.shape[1]], dim=1)

    def transform_pyramid(
        self, maps: Sequence[Float[Tensor, "b _ _ _"]]
    ) -> tuple[Float[Tensor, "b _ _ _"], ...]:
        """The chosen channels of each layer, of which there may be none."""
        chosen = self._chosen_of(tuple(map.shape[1] for map in maps), maps[0].device)
        return tuple(_select(map, channels) for map, channels in zip(maps, chosen, strict=True))

    def _chosen_of(self, sizes: tuple[int, ...], device: torch.device) -> list[Int[Tensor, " _"]]:
        """For each layer the channels that were chosen in it, on the device where they are needed."""
        if (sizes, device) not in self._by_layer:
            numbers = self._chosen().cpu()
            starts = [0, *torch.tensor(sizes).cumsum(0).tolist()]
            self._by_layer = {
                (sizes, device): [
                    (numbers[(numbers >= start) & (numbers < stop)] - start).to(device)
                    for start, stop in pairwise(starts)
                ]
            }
        return self._by_layer[sizes, device]

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
        self._channels = state["channels"]
        self._by_layer = {}


def _select(map: Float[Tensor, "b c h w"], channels: Int[Tensor, " k"]) -> Float[Tensor, "b k h w"]:
    """Channels side by side, as densities read them: quicker to select, and to align, than planes."""
    return map.permute(0, 2, 3, 1).index_select(3, channels).permute(0, 3, 1, 2)
