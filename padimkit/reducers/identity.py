"""No reduction."""

from collections.abc import Callable, Iterable, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.contracts import LinearReducer, PyramidReducer, Reducer
from padimkit.values import Embedding


@final
class Identity(Reducer, LinearReducer, PyramidReducer):
    """Keep every channel as it is."""

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learns nothing."""

    def transform(self, embedding: Embedding) -> Embedding:
        """The embedding itself."""
        return embedding

    def transform_then_align(
        self,
        maps: Sequence[Float[Tensor, "b _ _ _"]],
        align: Callable[[Float[Tensor, "b _ _ _"]], Float[Tensor, "b _ h w"]],
    ) -> Float[Tensor, "b k h w"]:
        """All layers, aligned."""
        return torch.cat([align(map) for map in maps], dim=1)

    def transform_pyramid(
        self, maps: Sequence[Float[Tensor, "b _ _ _"]]
    ) -> tuple[Float[Tensor, "b _ _ _"], ...]:
        """The layers themselves."""
        return tuple(maps)

    def state_dict(self) -> dict[str, Tensor]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over nothing."""
