"""Vectors kept as they are, which takes less memory than a scatter matrix while they are few."""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from padimkit.errors import BadFeatures, BadShape
from padimkit.memory import IN_MEMORY, Allocator

_ROWS = 64  # reserved together in a file


@final
class Samples:
    """All n vectors of d dimensions at each of p positions, as differences from the first one.

    Differences need fewer digits than vectors with a large mean, so they can be kept in half precision.

    Args:
        origin: The first vector at each position.
        batches: The differences, which are never changed.
        allocator: Allocates memory for further differences.
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
        """Return samples of these vectors, with the origin in `precision` and differences in `storage`."""
        samples = cls(vectors[0].to(precision, copy=True).contiguous(), _none(vectors[0], storage), allocator)
        samples.update(vectors)
        return samples

    @property
    def count(self) -> int:
        """The number of vectors at each position."""
        return sum(batch.shape[0] for batch in self._batches)

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of positions and dimensions."""
        return self._origin.shape[0], self._origin.shape[1]

    @property
    def precision(self) -> torch.dtype:
        """The type of number to compute with."""
        return self._origin.dtype

    @property
    def device(self) -> torch.device:
        """The device that holds the vectors."""
        return self._origin.device

    def update(self, vectors: Float[Tensor, "n p d"]) -> None:
        """Add n vectors per position.

        Raises:
            BadShape: Their dimensions or positions differ from those of earlier vectors.
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
        """Add the vectors of `other`."""
        for batch in list(other._batches):  # `other` may be this one
            self.update(other._origin + batch)

    def vectors(self, positions: slice) -> Float[Tensor, "k n d"]:
        """Return the vectors at some positions."""
        origin = self._origin[positions]
        return self._differences(positions, origin).add_(origin[:, None])

    def at(self, positions: slice | Int[Tensor, " _"]) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k n d"]]:
        """Return the mean and the deviations from it, in float64, at some positions."""
        origin = self._origin[positions].double()
        differences = self._differences(positions, origin)
        mean = differences.mean(1)
        return origin + mean, differences.sub_(mean[:, None])

    def gaussian(self, positions: slice) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k d d"]]:
        """Return mean and unbiased sample covariance, in float64, at some positions."""
        mean, deviations = self.at(positions)
        return mean, deviations.mT @ deviations / (self.count - 1)

    def move(self, allocator: Allocator) -> None:
        """Move all vectors to the memory of another allocator, which also keeps further ones."""
        self._allocator = allocator
        self._batches = [allocator.copy(torch.cat(self._batches))]
        self._free = _none(self._origin, self._batches[0].dtype)[0]

    def copy(self) -> "Samples":
        """Return samples that share these vectors, so that adding to either does not change the other."""
        return Samples(self._origin, list(self._batches), self._allocator)

    def emptied(self, *, ahead: int) -> "Samples":
        """Return empty samples with `ahead` reserved rows; many small allocations would fragment memory."""
        samples = Samples(self._origin, _none(self._origin, self._batches[0].dtype), self._allocator)
        samples._free = samples._reserve(ahead)
        return samples

    def state_dict(self) -> dict[str, Tensor]:
        """Return all differences and the origin."""
        return {"samples": torch.cat(self._batches), "origin": self._origin}

    @classmethod
    def from_state_dict(cls, state: dict[str, Tensor], allocator: Allocator) -> "Samples":
        """Return the samples of a state that `state_dict` returned."""
        return cls(state["origin"].clone(), [allocator.copy(state["samples"])], allocator)

    def _differences(
        self, positions: slice | Int[Tensor, " _"], origin: Float[Tensor, "k d"]
    ) -> Float[Tensor, "k n d"]:
        """Return the differences from the origin at these positions, in the precision of the origin."""
        differences = origin.new_empty(origin.shape[0], self.count, origin.shape[1])
        start = 0
        for batch in self._batches:
            differences[:, start : start + batch.shape[0]] = batch[:, positions].transpose(0, 1)
            start += batch.shape[0]
        return differences

    def _reserve(self, count: int) -> Float[Tensor, "n p d"]:
        """Return memory for this many differences."""
        if count > self._free.shape[0]:
            rows = count if self._allocator is IN_MEMORY else max(count, _ROWS)  # each file needs a handle
            self._free = self._allocator.empty((rows, *self.shape), self._free.dtype, self.device)
        reserved, self._free = self._free[:count], self._free[count:]
        return reserved


def _none(origin: Float[Tensor, "p d"], storage: torch.dtype) -> list[Float[Tensor, "0 p d"]]:
    return [origin.new_empty(0, *origin.shape, dtype=storage)]
