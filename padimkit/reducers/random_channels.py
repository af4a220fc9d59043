"""A random selection of channels."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from padimkit.arguments import require_seed
from padimkit.arguments.checked import Checked
from padimkit.arguments.stored_state import require_state
from padimkit.contracts import CostModel, Exportable, LinearReducer, PyramidReducer, Reducer
from padimkit.errors import BadArgument, BadData, BadModel, NotFitted
from padimkit.values import Costs, Embedding, Problem, Pyramid, Work


@final
class RandomChannels(Reducer, LinearReducer, PyramidReducer, CostModel, Exportable):
    """A random selection of channels, the same at every position (PaDiM paper, section III-C: "Rd").

    Args:
        keep: Number of channels to keep.
        seed: Fixes the choice.
    """

    checked = Checked(arguments={"keep": 3})

    def __init__(self, keep: int, seed: int = 0) -> None:
        self.keep = keep
        self.seed = seed
        require_seed(seed)
        self._channels: Tensor | None = None
        self._by_layer: dict[tuple[tuple[int, ...], torch.device], list[Tensor]] = {}

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Draw channels of the first embedding.

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
        """Return the chosen channels, in their original order."""
        return Embedding(_select(embedding.patches, self._chosen()), embedding.descriptor)

    def transform_then_align(
        self,
        maps: Sequence[Float[Tensor, "b _ _ _"]],
        align: Callable[[Float[Tensor, "b _ _ _"]], Float[Tensor, "b _ h w"]],
    ) -> Float[Tensor, "b k h w"]:
        """Return the chosen channels of each layer, aligned."""
        kept = self.transform_pyramid(maps)
        return torch.cat([align(feature_map) for feature_map in kept if feature_map.shape[1]], dim=1)

    def transform_pyramid(
        self, maps: Sequence[Float[Tensor, "b _ _ _"]]
    ) -> tuple[Float[Tensor, "b _ _ _"], ...]:
        """Return the chosen channels of each layer; a layer may have none."""
        sizes = tuple(feature_map.shape[1] for feature_map in maps)
        chosen = self._chosen_of(sizes, maps[0].device)
        pairs = zip(maps, chosen, strict=True)
        return tuple(_select(feature_map, channels) for feature_map, channels in pairs)

    def traceable(self) -> Callable[[Pyramid], Pyramid]:
        """Return a function that chooses the channels of each layer."""
        chosen = self._chosen().tolist()

        def choose(pyramid: Pyramid) -> Pyramid:
            stops = list(accumulate(feature_map.shape[1] for feature_map in pyramid.maps))
            numbers = [
                [channel - start for channel in chosen if start <= channel < stop]
                for start, stop in pairwise([0, *stops])
            ]
            kept = (
                _select(feature_map, torch.tensor(some, dtype=torch.int64, device=feature_map.device))
                for feature_map, some in zip(pyramid.maps, numbers, strict=True)
            )
            return replace(pyramid, maps=tuple(kept))

        return choose

    def _chosen_of(self, sizes: tuple[int, ...], device: torch.device) -> list[Int[Tensor, " _"]]:
        """Return the chosen channels of each layer, numbered within the layer, on the given device."""
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

    def costs(self, problem: Problem) -> Costs:
        """Return the costs of a selection: what is kept is read and written."""
        numbers = 8 * self.keep
        use = Work(moved=2 * 4 * self.keep * problem.positions)
        return Costs(Work(), Work(), use, held=numbers, stored=numbers)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the indices of the chosen channels."""
        if self._channels is None:
            raise NotFitted("RandomChannels.state_dict was called before fit.")
        return {"channels": self._channels}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the indices of the chosen channels.

        Raises:
            BadModel: They are not `keep` different numbers.
        """
        require_state(self, state, channels=f"int {self.keep}")
        channels = state["channels"]
        if channels.tolist() != sorted({one for one in channels.tolist() if 0 <= one < 2**31}):
            raise BadModel('The "channels" of RandomChannels are not different numbers that ascend.')
        self._channels = channels
        self._by_layer = {}


def _select(feature_map: Float[Tensor, "b c h w"], channels: Int[Tensor, " k"]) -> Float[Tensor, "b k h w"]:
    """Return the channels, channels last, as densities read them: quicker to select and align than planes."""
    return feature_map.permute(0, 2, 3, 1).index_select(3, channels).permute(0, 3, 1, 2)
