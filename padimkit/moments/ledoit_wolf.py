"""Ledoit-Wolf shrinkage from moments that can be updated and merged."""

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.memory import CACHE, IN_MEMORY, Allocator, slices
from padimkit.moments.moments import Moments


@final
class ShrunkMoments:
    """Moments, with two higher sums that the optimal shrinkage of the covariance needs.

    For deviations y from the mean, `cubic` is the sum of |y|^2 y and `quartic` the sum of |y|^4. Both can be
    moved to another mean exactly, so batches can be merged without keeping them.
    """

    def __init__(self, moments: Moments, cubic: Float[Tensor, "p d"], quartic: Float[Tensor, " p"]) -> None:
        self.moments = moments
        self.cubic = cubic
        self.quartic = quartic

    @classmethod
    def empty(
        cls,
        positions: int,
        dimensions: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
        allocator: Allocator = IN_MEMORY,
    ) -> "ShrunkMoments":
        """Return moments of no vectors, to be updated."""
        moments = Moments.empty(positions, dimensions, dtype=dtype, device=device, allocator=allocator)
        return cls(moments, torch.zeros_like(moments.mean), torch.zeros_like(moments.mean[:, 0]))

    @property
    def count(self) -> int:
        """The number of vectors at each position."""
        return self.moments.count

    @property
    def mean(self) -> Float[Tensor, "p d"]:
        """The mean at each position."""
        return self.moments.mean

    def update(self, samples: Float[Tensor, "n p d"]) -> None:
        """Add n vectors per position."""
        samples = samples.to(self.mean)
        positions, dimensions = samples.shape[1:]
        batch = Moments.empty(positions, dimensions, dtype=samples.dtype, device=samples.device)
        batch.update(samples)
        _mirror(batch.scatter)
        deviations = samples - batch.mean
        squares = deviations.square().sum(2, keepdim=True)
        self.merge(ShrunkMoments(batch, (squares * deviations).sum(0), squares[:, :, 0].square().sum(0)))

    def absorb(self, count: int, vectors_at: Callable[[slice], Float[Tensor, "k n d"]]) -> None:
        """Add `count` vectors per position; `vectors_at` gives the vectors at some positions."""
        self.update(vectors_at(slice(0, self.mean.shape[0])).transpose(0, 1))

    def merge(self, other: "ShrunkMoments") -> None:
        """Add the vectors of `other`."""
        total = max(self.count + other.count, 1)
        mean = self.mean + (other.mean - self.mean) * (other.count / total)
        own_cubic, own_quartic = self._about(mean)
        other_cubic, other_quartic = other._about(mean)
        self.cubic = own_cubic + other_cubic
        self.quartic = own_quartic + other_quartic
        self.moments.merge(other.moments)

    def without(self, other: "ShrunkMoments") -> "ShrunkMoments":
        """Return the moments without the vectors of `other`, which are among them; neither is changed."""
        moments = self.moments.without(other.moments)
        own_cubic, own_quartic = self._about(moments.mean)
        other_cubic, other_quartic = other._about(moments.mean)
        return ShrunkMoments(moments, own_cubic - other_cubic, own_quartic - other_quartic)

    def covariance(self, positions: slice = slice(None)) -> Float[Tensor, "k d d"]:
        """Return the shrunk covariance per position (Ledoit and Wolf 2004, as scikit-learn's LedoitWolf)."""
        count, dimensions = self.count, self.mean.shape[1]
        sample = self.moments.scatter[positions] / count
        variance = _trace(sample) / dimensions
        squared_norm = sample.square().sum((1, 2))
        distance = squared_norm - dimensions * variance.square()
        noise = (self.quartic[positions] / count - squared_norm) / count
        shrinkage = torch.where(distance > 0, (noise / distance).clamp(0, 1), 0)
        sample *= (1 - shrinkage)[:, None, None]
        torch.diagonal(sample, dim1=1, dim2=2).add_((shrinkage * variance)[:, None])
        return sample

    def state_dict(self) -> dict[str, Tensor]:
        """Return the state of the moments and the two higher sums."""
        return self.moments.state_dict() | {"cubic": self.cubic, "quartic": self.quartic}

    @classmethod
    def from_state_dict(cls, state: dict[str, Tensor], allocator: Allocator = IN_MEMORY) -> "ShrunkMoments":
        """Return the moments of a state that `state_dict` returned."""
        return cls(
            Moments.from_state_dict(state, allocator), state["cubic"].clone(), state["quartic"].clone()
        )

    def copy(self, allocator: Allocator = IN_MEMORY) -> "ShrunkMoments":
        """Return a copy of the moments, to be updated on its own."""
        return ShrunkMoments(self.moments.copy(allocator), self.cubic.clone(), self.quartic.clone())

    def at(self, positions: slice) -> "ShrunkMoments":
        """Return a copy of the moments at some positions."""
        moments = self.moments.at(positions)
        return ShrunkMoments(moments, self.cubic[positions].clone(), self.quartic[positions].clone())

    def _about(self, mean: Float[Tensor, "p d"]) -> tuple[Float[Tensor, "p d"], Float[Tensor, " p"]]:
        """Return the cubic and quartic sums of the deviations from another mean, by expanding |y - s|^4."""
        shift = mean - self.mean
        scatter, count = self.moments.scatter, self.count
        length = shift.square().sum(1)
        turned = torch.einsum("pde,pe->pd", scatter, shift)
        trace = _trace(scatter)
        cubic = self.cubic - (trace + count * length)[:, None] * shift - 2 * turned
        quartic = (
            self.quartic
            - 4 * (shift * self.cubic).sum(1)
            + 4 * (shift * turned).sum(1)
            + 2 * length * trace
            + count * length.square()
        )
        return cubic, quartic


def _trace(matrices: Float[Tensor, "p d d"]) -> Float[Tensor, " p"]:
    return torch.diagonal(matrices, dim1=1, dim2=2).sum(1)


def _mirror(matrices: Float[Tensor, "p d d"]) -> None:
    """Make products symmetric to the last bit: states hold one triangle, and the shrinkage reads both."""
    positions, dimensions = matrices.shape[:2]
    rows, columns = torch.tril_indices(dimensions, dimensions, -1, device=matrices.device)
    for chosen in slices(positions, matrices.element_size() * dimensions**2, CACHE):
        matrices[chosen, columns, rows] = matrices[chosen, rows, columns]
