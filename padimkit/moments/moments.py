"""The count, mean and scatter of vectors: all that PaDiM learns, batch by batch and in bounded memory."""

import math
from collections.abc import Callable
from typing import final

import torch
import torch.distributed
from jaxtyping import Float
from torch import Tensor

from padimkit.errors import BadModel, BadShape
from padimkit.memory import CACHE, IN_MEMORY, Allocator, slices


@final
class Moments:
    """Moments of n vectors of d dimensions at each of p positions.

    `scatter` is the sum of the outer products of the deviations from `mean`. It is changed in place, since it
    takes 3.8 GB for 550 dimensions at 3136 positions. Raw second moments are never formed: they would cancel
    if the mean is large.
    """

    def __init__(self, count: int, mean: Float[Tensor, "p d"], scatter: Float[Tensor, "p d d"]) -> None:
        self.count = count
        self.mean = mean
        self.scatter = scatter

    @classmethod
    def empty(
        cls,
        positions: int,
        dimensions: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
        allocator: Allocator = IN_MEMORY,
    ) -> "Moments":
        """Return moments of no vectors, to be updated, in float32 or float64."""
        mean = torch.zeros(positions, dimensions, dtype=dtype, device=device)
        return cls(0, mean, allocator.empty((positions, dimensions, dimensions), dtype, device).zero_())

    def update(self, samples: Float[Tensor, "n p d"]) -> None:
        """Add n vectors per position."""
        self._check(samples.shape[1:])
        self.absorb(samples.shape[0], lambda positions: samples[:, positions].transpose(0, 1))

    def absorb(self, count: int, vectors_at: Callable[[slice], Float[Tensor, "k n d"]]) -> None:
        """Add vectors per position (Chan, Golub and LeVeque 1979, the pairwise formula).

        Args:
            count: Number of new vectors at each position, at least one.
            vectors_at: Returns the new vectors at some positions.
        """
        positions, dimensions = self.mean.shape
        size = self.scatter.element_size() * dimensions * (dimensions + 2 * count)
        for chosen in slices(positions, size, CACHE):
            vectors = vectors_at(chosen).to(self.mean)
            mean = vectors.mean(1)
            deviations = vectors.new_empty(vectors.shape[0], count + 1, dimensions)
            torch.sub(vectors, mean[:, None], out=deviations[:, :count])
            # The shift of the mean acts like one more deviation, so that one product updates the scatter.
            deviations[:, count] = self._shift(chosen, count, mean)
            # baddbmm would add each product to the large sum: off by 1e-5 after 40,000 vectors in float32.
            self.scatter[chosen] += deviations.mT @ deviations
        self.count += count

    def merge(self, other: "Moments") -> None:
        """Add the vectors of `other`."""
        self._check(other.mean.shape)
        positions, dimensions = self.mean.shape
        for chosen in slices(positions, 2 * self.scatter.element_size() * dimensions**2, CACHE):
            scatter = other.scatter[chosen].to(self.scatter)
            shift = self._shift(chosen, other.count, other.mean[chosen].to(self.mean))
            self.scatter[chosen] += scatter + shift[:, :, None] * shift[:, None, :]
        self.count += other.count

    def without(self, other: "Moments") -> "Moments":
        """Return the moments without the vectors of `other`, which are among them; neither is changed."""
        self._check(other.mean.shape)
        count = self.count - other.count
        shift = self.mean - other.mean
        scatter = self.scatter - other.scatter
        scatter -= (self.count * other.count / count) * shift[:, :, None] * shift[:, None, :]
        return Moments(count, self.mean + shift * (other.count / count), scatter)

    def all_reduce(self) -> None:
        """Sum over all processes of `torch.distributed`, so that each holds the moments of all data."""
        count = torch.tensor(self.count, device=self.mean.device)
        torch.distributed.all_reduce(count)
        mean = self.mean * (self.count / count.item())
        torch.distributed.all_reduce(mean)
        shift = math.sqrt(self.count) * (self.mean - mean)
        self.scatter.baddbmm_(shift[:, :, None], shift[:, None, :])
        torch.distributed.all_reduce(self.scatter)
        self.count, self.mean = int(count.item()), mean

    def covariance(self, positions: slice = slice(None)) -> Float[Tensor, "k d d"]:
        """Return the sample covariance per position, divided by n - 1 (PaDiM paper, section III-B)."""
        return self.scatter[positions] / (self.count - 1)

    def state_dict(self) -> dict[str, Tensor]:
        """Return count, mean, and the lower triangle of the symmetric scatter."""
        rows, columns = _lower_triangle(self.mean.shape[1], self.mean.device)
        return {
            "count": torch.tensor(self.count),
            "mean": self.mean.clone(),
            "scatter": self.scatter[:, rows, columns],
        }

    @classmethod
    def from_state_dict(cls, state: dict[str, Tensor], allocator: Allocator = IN_MEMORY) -> "Moments":
        """Return the moments of a state that `state_dict` returned."""
        mean, packed = state["mean"], state["scatter"]
        positions, dimensions = mean.shape
        if packed.shape != (positions, dimensions * (dimensions + 1) // 2):  # before asking for memory
            raise BadModel(
                f"A scatter of shape {tuple(packed.shape)} does not fit a mean of {positions} x {dimensions}."
            )
        rows, columns = _lower_triangle(mean.shape[1], mean.device)
        scatter = allocator.empty((positions, dimensions, dimensions), packed.dtype, packed.device)
        for chosen in slices(positions, packed.element_size() * dimensions**2):
            scatter[chosen, rows, columns] = packed[chosen]
            scatter[chosen, columns, rows] = packed[chosen]
        if int(state["count"]) < 1:
            raise BadModel(f'Moments of {int(state["count"])} vectors ("count") have no mean.')
        return cls(int(state["count"]), mean.clone(), scatter)

    def copy(self, allocator: Allocator = IN_MEMORY) -> "Moments":
        """Return a copy of the moments, to be updated on its own."""
        return Moments(self.count, self.mean.clone(), allocator.copy(self.scatter))

    def at(self, positions: slice) -> "Moments":
        """Return a copy of the moments at some positions."""
        return Moments(self.count, self.mean[positions].clone(), self.scatter[positions].clone())

    def _shift(self, chosen: slice, count: int, mean: Float[Tensor, "k d"]) -> Float[Tensor, "k d"]:
        """Update the mean, and return the vector whose outer product with itself updates the scatter."""
        total = max(self.count + count, 1)
        shift = mean - self.mean[chosen]
        self.mean[chosen] += shift * (count / total)
        return shift * math.sqrt(self.count * count / total)

    def _check(self, shape: torch.Size) -> None:
        if shape != self.mean.shape:
            raise BadShape(
                f"Expected vectors of {self.mean.shape[1]} dimensions at {self.mean.shape[0]} positions, "
                f"got {shape[1]} at {shape[0]}."
            )


def _lower_triangle(dimensions: int, device: torch.device) -> tuple[Tensor, Tensor]:
    rows, columns = torch.tril_indices(dimensions, dimensions, device=device)
    return rows, columns
