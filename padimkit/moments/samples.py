"""Vectors kept as they are: while they are few, that takes less room than their scatter matrix."""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from padimkit.errors import BadFeatures, BadShape
from padimkit.memory import IN_MEMORY, Allocator

_ROWS = 64  # that are reserved together in a file


@final
class Samples:
    """All n vectors of d dimensions at each of p positions, as differences from the first one.

    Differences need fewer digits than vectors with a large mean, so that they can be kept in half precision.

    Args:
        origin: The first vector at each position.
        batches: The differences; never changed once they are here.
        allocator: Where further ones are kept.
    """

    def __init__(
        self, origin: Float[Tensor, "p d"], batches: list[Float[Tensor, "_ p d"]], allocator: Allocator
    ) -> None:
        self._origin = origin
        self._batches = batches
        self._allocator = allocator
        self._free = _none(origin, batches[0].dtype)[0]

    @classmethod
    def of(
        cls,
        vectors: Float[Tensor, "n p d"],
        *,
        precision: torch.dtype,
        storage: torch.dtype,
        allocator: Allocator,
    ) -> "Samples":
        """These vectors, whose origin is kept in `precision` and whose differences in `storage`."""
        samples = cls(vectors[0].to(precision, copy=True).contiguous(), _none(vectors[0], storage), allocator)
        samples.update(vectors)
        return samples

    @property
    def count(self) -> int:
        """How many vectors there are at each position."""
        return sum(batch.shape[0] for batch in self._batches)

    @property
    def shape(self) -> tuple[int, int]:
        """Positions and dimensions."""
        return self._origin.shape[0], self._origin.shape[1]

    @property
    def precision(self) -> torch.dtype:
        """In which to compute with the vectors."""
        return self._origin.dtype

    @property
    def device(self) -> torch.device:
        """Where the vectors are."""
        return self._origin.device

    def update(self, vectors: Float[Tensor, "n p d"]) -> None:
        """Takes in n more vectors per position.

        Raises:
            BadShape: They are of other dimensions, or at other positions.
            BadFeatures: They differ by more than half precision can hold.
        """
        if tuple(vectors.shape[1:]) != self.shape:
            raise BadShape(
                f"Expected vectors of {self.shape[1]} dimensions at {self.shape[0]} positions, "
                f"got {vectors.shape[2]} at {vectors.shape[1]}."
            )
        batch = self._reserve(vectors.shape[0])
        full = batch.dtype == self.precision
        differences = batch if full else self._origin.new_empty(vectors.shape)
        torch.sub(vectors.to(self.precision), self._origin, out=differences)
        if not full and not batch.copy_(differences).sum(dtype=self.precision).isfinite():
            raise BadFeatures(
                "Features differ by more than half precision can hold (65,504). "
                'Use storage "full", or a backbone whose features are scaled.'
            )
        self._batches.append(batch)

    def merge(self, other: "Samples") -> None:
        """Takes in the vectors of `other`."""
        for batch in list(other._batches):  # `other` may be this one
            self.update(other._origin + batch)

    def vectors(self, positions: slice) -> Float[Tensor, "k n d"]:
        """The vectors at some positions."""
        origin = self._origin[positions]
        return self._differences(positions, origin).add_(origin[:, None])

    def at(self, positions: slice | Int[Tensor, " _"]) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k n d"]]:
        """Mean and deviations from the mean, in float64, at some positions."""
        origin = self._origin[positions].double()
        differences = self._differences(positions, origin)
        mean = differences.mean(1)
        return origin + mean, differences.sub_(mean[:, None])

    def gaussian(self, positions: slice) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k d d"]]:
        """Return mean and unbiased sample covariance, in float64, at some positions."""
        mean, deviations = self.at(positions)
        return mean, deviations.mT @ deviations / (self.count - 1)

    def move(self, allocator: Allocator) -> None:
        """Moves all vectors, and those to come, into another place."""
        self._allocator = allocator
        self._batches = [allocator.copy(torch.cat(self._batches))]
        self._free = _none(self._origin, self._batches[0].dtype)[0]

    def copy(self) -> "Samples":
        """The same vectors, which are shared, so that more can be taken in without changing these."""
        return Samples(self._origin, list(self._batches), self._allocator)

    def emptied(self, *, ahead: int) -> "Samples":
        """No vectors, but room for so many: what comes and goes in small pieces leaves memory in tatters."""
        samples = Samples(self._origin, _none(self._origin, self._batches[0].dtype), self._allocator)
        samples._free = samples._reserve(ahead)
        return samples

    def state_dict(self) -> dict[str, Tensor]:
        """All differences and their origin."""
        return {"samples": torch.cat(self._batches), "origin": self._origin}

    @classmethod
    def from_state_dict(cls, state: dict[str, Tensor], allocator: Allocator) -> "Samples":
        """The vectors that `state_dict` has written."""
        return cls(state["origin"].clone(), [allocator.copy(state["samples"])], allocator)

    def _differences(
        self, positions: slice | Int[Tensor, " _"], origin: Float[Tensor, "k d"]
    ) -> Float[Tensor, "k n d"]:
        """The differences from the origin at these positions, in its precision."""
        differences = origin.new_empty(origin.shape[0], self.count, origin.shape[1])
        start = 0
        for batch in self._batches:
            differences[:, start : start + batch.shape[0]] = batch[:, positions].transpose(0, 1)
            start += batch.shape[0]
        return differences

    def _reserve(self, count: int) -> Float[Tensor, "n p d"]:
        """Where so many differences can be written."""
        if count > self._free.shape[0]:
            rows = count if self._allocator is IN_MEMORY else max(count, _ROWS)  # each file needs a handle
            self._free = self._allocator.empty((rows, *self.shape), self._free.dtype, self.device)
        reserved, self._free = self._free[:count], self._free[count:]
        return reserved


def _none(origin: Float[Tensor, "p d"], storage: torch.dtype) -> list[Float[Tensor, "0 p d"]]:
    return [origin.new_empty(0, *origin.shape, dtype=storage)]
