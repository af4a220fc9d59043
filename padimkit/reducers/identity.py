"""No reduction."""

from collections.abc import Iterable
from typing import final

from torch import Tensor

from padimkit.contracts import Reducer
from padimkit.values import Embedding


@final
class Identity(Reducer):
    """Keep every channel as it is."""

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learns nothing."""

    def transform(self, embedding: Embedding) -> Embedding:
        """The embedding itself."""
        return embedding

    def state_dict(self) -> dict[str, Tensor]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over nothing."""
