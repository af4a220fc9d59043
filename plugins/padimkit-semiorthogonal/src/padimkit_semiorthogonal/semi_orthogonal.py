"""A random projection whose rows are orthonormal."""

from collections.abc import Callable, Iterable, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit import BadArgument, BadData, Embedding, LinearReducer, NotFitted, Reducer


@final
class SemiOrthogonal(Reducer, LinearReducer):
    """Project onto random orthonormal directions (Kim et al. 2021, Semi-orthogonal Embedding, section 3).

    The directions are drawn evenly from all: a Gaussian matrix, orthonormalised. Where PaDiM selects
    channels, each of these mixes all of them.

    Args:
        keep: How many directions to keep.
        seed: Fixes the draw.
    """

    def __init__(self, keep: int, seed: int = 0) -> None:
        self.keep = keep
        self.seed = seed
        self._directions: Tensor | None = None

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Draws directions for the channels of the first embedding.

        Raises:
            BadArgument: `keep` is below 1 or above the number of channels.
        """
        first = next(iter(stream), None)
        if first is None:
            raise BadData("SemiOrthogonal.fit was given no embeddings.")
        channels = first.patches.shape[1]
        if not 1 <= self.keep <= channels:
            raise BadArgument(
                f'Expected "keep" from 1 to the {channels} channels of the embedding, got {self.keep}.'
            )
        self._directions = _drawn(self.keep, channels, self.seed).to(first.patches.device)

    def transform(self, embedding: Embedding) -> Embedding:
        """The part of each patch along each direction."""
        return Embedding(_projected(embedding.patches, self._fitted()), embedding.descriptor)

    def transform_then_align(
        self,
        maps: Sequence[Float[Tensor, "b _ _ _"]],
        align: Callable[[Float[Tensor, "b _ _ _"]], Float[Tensor, "b _ h w"]],
    ) -> Float[Tensor, "b k h w"]:
        """The sum of what each layer adds to each direction, aligned."""
        parts = torch.split(self._fitted(), [map.shape[1] for map in maps], dim=1)
        first, *others = (align(_projected(map, part)) for map, part in zip(maps, parts, strict=True))
        return sum(others, start=first)

    def state_dict(self) -> dict[str, Tensor]:
        """The directions."""
        return {"directions": self._fitted()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over the directions."""
        self._directions = state["directions"]

    def _fitted(self) -> Float[Tensor, "k c"]:
        if self._directions is None:
            raise NotFitted("SemiOrthogonal was used before fit.")
        return self._directions


def _drawn(keep: int, channels: int, seed: int) -> Float[Tensor, "k c"]:
    normal = torch.randn(channels, keep, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    columns, triangle = torch.linalg.qr(normal)
    even: Tensor = (
        columns * triangle.diagonal().sign()
    )  # QR prefers signs; with those of R no direction is preferred
    return even.T.float().contiguous()


def _projected(map: Float[Tensor, "b c h w"], directions: Float[Tensor, "k c"]) -> Float[Tensor, "b k h w"]:
    projected: Tensor = map.permute(0, 2, 3, 1) @ directions.T
    return projected.permute(0, 3, 1, 2)
