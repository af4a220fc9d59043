"""Count, mean and scatter of vectors: all that PaDiM learns, batch by batch and in bounded memory."""

import math
from typing import final

import torch
import torch.distributed
from jaxtyping import Float
from torch import Tensor

from padimkit.errors import BadShape

_CHUNK_BYTES = 2**24  # workspace for products, small enough for a cache


@final
class Moments:
    """Moments of n vectors of d dimensions at each of p positions.

    `scatter` is the sum of outer products of the deviations from `mean`; it is changed in place, since for
    550 dimensions at 3136 positions it takes 3.8 GB. Raw second moments are never formed: they cancel
    where the mean is large.
    """

    def __init__(self, count: int, mean: Float[Tensor, "p d"], scatter: Float[Tensor, "p d d"]) -> None:
        self.count = count
        self.mean = mean
        self.scatter = scatter

    @classmethod
    def empty(cls, positions: int, dimensions: int, *, dtype: torch.dtype, device: torch.device) -> "Moments":
        """Moments of no vectors, to be updated; float32 or float64."""
        mean = torch.zeros(positions, dimensions, dtype=dtype, device=device)
        return cls(0, mean, torch.zeros(positions, dimensions, dimensions, dtype=dtype, device=device))

    def update(self, samples: Float[Tensor, "n p d"]) -> None:
        """Takes in n more vectors per position (Chan, Golub and LeVeque 1979, the pairwise formula)."""
        self._check(samples.shape[1:])
        samples = samples.to(self.mean)
        mean = samples.mean(0)
        shift = self._advance(samples.shape[0], mean)
        # The shift of the mean acts like one more deviation, so that one product updates the scatter.
        deviations = torch.cat([samples - mean, shift[None]]).transpose(0, 1)
        dimensions = samples.shape[2]
        chunk = max(1, _CHUNK_BYTES // (self.scatter.element_size() * dimensions**2))
        for rows, scatter in zip(
            torch.split(deviations, chunk), torch.split(self.scatter, chunk), strict=True
        ):
            # baddbmm would add each product to the large sum: off by 1e-5 after 40,000 vectors in float32.
            scatter += rows.mT @ rows

    def merge(self, other: "Moments") -> None:
        """Takes in what `other` has seen."""
        self._check(other.mean.shape)
        shift = self._advance(other.count, other.mean.to(self.mean))
        self.scatter += other.scatter.to(self.scatter)
        self.scatter.baddbmm_(shift[:, :, None], shift[:, None, :])

    def all_reduce(self) -> None:
        """Sums over all processes of `torch.distributed`: afterwards each holds the moments of all data."""
        count = torch.tensor(self.count, device=self.mean.device)
        torch.distributed.all_reduce(count)
        mean = self.mean * (self.count / count.item())
        torch.distributed.all_reduce(mean)
        shift = math.sqrt(self.count) * (self.mean - mean)
        self.scatter.baddbmm_(shift[:, :, None], shift[:, None, :])
        torch.distributed.all_reduce(self.scatter)
        self.count, self.mean = int(count.item()), mean

    def covariance(self) -> Float[Tensor, "p d d"]:
        """The unbiased sample covariance per position, divided by n - 1 (PaDiM paper, section III-B)."""
        return self.scatter / (self.count - 1)

    def state_dict(self) -> dict[str, Tensor]:
        """Count, mean, and the lower triangle of the symmetric scatter."""
        rows, columns = _lower_triangle(self.mean.shape[1], self.mean.device)
        return {
            "count": torch.tensor(self.count),
            "mean": self.mean,
            "scatter": self.scatter[:, rows, columns],
        }

    @classmethod
    def from_state_dict(cls, state: dict[str, Tensor]) -> "Moments":
        """The moments that `state_dict` has written."""
        mean, packed = state["mean"], state["scatter"]
        positions, dimensions = mean.shape
        if packed.shape != (positions, dimensions * (dimensions + 1) // 2):  # before asking for memory
            raise BadShape(
                f"A scatter of shape {tuple(packed.shape)} does not fit a mean of {positions} x {dimensions}."
            )
        rows, columns = _lower_triangle(mean.shape[1], mean.device)
        scatter = packed.new_empty(*mean.shape, mean.shape[1])
        scatter[:, rows, columns] = packed
        scatter[:, columns, rows] = packed
        return cls(int(state["count"]), mean.clone(), scatter)

    def _advance(self, count: int, mean: Float[Tensor, "p d"]) -> Float[Tensor, "p d"]:
        """Moves count and mean on; the outer product of the result with itself is due to the scatter."""
        total = self.count + count
        shift = mean - self.mean
        weighted = shift * math.sqrt(self.count * count / total) if total else shift
        self.mean += shift * (count / max(total, 1))
        self.count = total
        return weighted

    def _check(self, shape: torch.Size) -> None:
        if shape != self.mean.shape:
            raise BadShape(
                f"Expected vectors of {self.mean.shape[1]} dimensions at {self.mean.shape[0]} positions, "
                f"got {shape[1]} at {shape[0]}."
            )


def _lower_triangle(dimensions: int, device: torch.device) -> tuple[Tensor, Tensor]:
    rows, columns = torch.tril_indices(dimensions, dimensions, device=device)
    return rows, columns
