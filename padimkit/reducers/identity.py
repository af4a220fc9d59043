"""No reduction.

A part of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.arguments.stored_state import require_state
from padimkit.contracts import CostModel, Exportable, LinearReducer, PyramidReducer, Reducer
from padimkit.values import Costs, Embedding, Problem, Pyramid, Work


@final
class Identity(Reducer, LinearReducer, PyramidReducer, CostModel, Exportable):
    """No reduction: every channel stays as it is."""

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Do nothing: there is nothing to learn."""

    def transform(self, embedding: Embedding) -> Embedding:
        """Return the embedding itself."""
        return embedding

    def transform_then_align(
        self,
        maps: Sequence[Float[Tensor, "b _ _ _"]],
        align: Callable[[Float[Tensor, "b _ _ _"]], Float[Tensor, "b _ h w"]],
    ) -> Float[Tensor, "b k h w"]:
        """Return all layers, aligned."""
        return torch.cat([align(feature_map) for feature_map in maps], dim=1)

    def transform_pyramid(
        self, maps: Sequence[Float[Tensor, "b _ _ _"]]
    ) -> tuple[Float[Tensor, "b _ _ _"], ...]:
        """Return the layers themselves."""
        return tuple(maps)

    def traceable(self) -> Callable[[Pyramid], Pyramid]:
        """Return a function that returns what it is given."""
        return lambda pyramid: pyramid

    def costs(self, problem: Problem) -> Costs:
        """Return no costs."""
        return Costs(Work(), Work(), Work(), held=0, stored=0)

    def state_dict(self) -> dict[str, Tensor]:
        """Return no tensors."""
        return {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Do nothing: there is nothing to load."""
        require_state(self, state)
