"""A random projection with orthonormal rows."""

from collections.abc import Callable, Iterable, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit import (
    BadArgument,
    BadData,
    Checked,
    CostModel,
    Costs,
    Embedding,
    Exportable,
    LinearReducer,
    NotFitted,
    Problem,
    Pyramid,
    Reducer,
    Work,
)
from padimkit.arguments import require_seed
from padimkit.arguments.stored_state import require_state


@final
class SemiOrthogonal(Reducer, LinearReducer, CostModel, Exportable):
    """Projection onto random orthonormal directions (Kim et al. 2021, Semi-orthogonal Embedding, section 3).

    The directions are drawn evenly from all: a Gaussian matrix, orthonormalised. PaDiM selects channels; here
    each direction mixes all channels.

    Args:
        keep: Number of directions to keep.
        seed: Fixes the draw.
    """

    checked = Checked(arguments={"keep": 3})

    def __init__(self, keep: int, seed: int = 0) -> None:
        self.keep = keep
        self.seed = seed
        require_seed(seed)
        self._directions: Tensor | None = None

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Draw directions for the channels of the first embedding.

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
        """Return the component of each patch along each direction."""
        return Embedding(_projected(embedding.patches, self._fitted()), embedding.descriptor)

    def transform_then_align(
        self,
        maps: Sequence[Float[Tensor, "b _ _ _"]],
        align: Callable[[Float[Tensor, "b _ _ _"]], Float[Tensor, "b _ h w"]],
    ) -> Float[Tensor, "b k h w"]:
        """Return the sum of each layer's contribution to each direction, aligned."""
        return _aligned(maps, self._fitted(), align)

    def traceable(self) -> Callable[[Pyramid], Pyramid]:
        """Return a function that projects layer by layer, as `transform_then_align` does."""
        directions = self._fitted()
        return lambda pyramid: Pyramid(
            (_aligned(pyramid.maps, directions, pyramid.align),), pyramid.descriptor
        )

    def costs(self, problem: Problem) -> Costs:
        """Return the costs of one QR of the drawn matrix, and of a product with each patch."""
        channels, positions = problem.channels, problem.positions
        directions = 4 * self.keep * channels
        return Costs(
            fit=Work(double=4 * channels * self.keep**2, moved=8 * 4 * channels * self.keep),
            prepare=Work(),
            use=Work(
                single=2 * positions * channels * self.keep,
                moved=directions + 4 * positions * (channels + self.keep),
            ),
            held=directions,
            stored=directions,
        )

    def state_dict(self) -> dict[str, Tensor]:
        """Return the directions."""
        return {"directions": self._fitted()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the directions.

        Raises:
            BadModel: They are not `keep` directions.
        """
        require_state(self, state, directions=f"float {self.keep} channels")
        self._directions = state["directions"]

    def _fitted(self) -> Float[Tensor, "k c"]:
        if self._directions is None:
            raise NotFitted("SemiOrthogonal was used before fit.")
        return self._directions


def _drawn(keep: int, channels: int, seed: int) -> Float[Tensor, "k c"]:
    normal = torch.randn(channels, keep, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    columns, triangle = torch.linalg.qr(normal)
    # QR prefers signs; with those of R no direction is preferred.
    even: Tensor = columns * triangle.diagonal().sign()
    return even.T.float().contiguous()


def _aligned(
    maps: Sequence[Float[Tensor, "b _ _ _"]],
    directions: Float[Tensor, "k c"],
    align: Callable[[Float[Tensor, "b _ _ _"]], Float[Tensor, "b _ h w"]],
) -> Float[Tensor, "b k h w"]:
    parts = torch.split(directions, [feature_map.shape[1] for feature_map in maps], dim=1)
    pairs = zip(maps, parts, strict=True)
    first, *others = (align(_projected(feature_map, part)) for feature_map, part in pairs)
    return sum(others, start=first)


def _projected(
    feature_map: Float[Tensor, "b c h w"], directions: Float[Tensor, "k c"]
) -> Float[Tensor, "b k h w"]:
    projected: Tensor = feature_map.permute(0, 2, 3, 1) @ directions.T
    return projected.permute(0, 3, 1, 2)
