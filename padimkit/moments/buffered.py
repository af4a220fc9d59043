"""Moments that keep the latest vectors as they are until one product with all of them pays off."""

from typing import TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.memory import IN_MEMORY, Allocator, slices
from padimkit.moments.ledoit_wolf import ShrunkMoments
from padimkit.moments.moments import Moments
from padimkit.moments.samples import Samples

Dense: TypeAlias = Moments | ShrunkMoments

# A product of 64 vectors takes about as long as reading and writing the scatter that it is added to.
GROUP = 64


@final
class BufferedMoments:
    """Moments in the cheaper of two exact forms: the vectors themselves, or scatter matrices.

    Args:
        form: The kind of moments with scatter matrices.
        samples: Vectors that are not yet in `dense`.
        dense: Moments of all other vectors; None while there are none.
        allocator: Allocates memory for large tensors.
    """

    def __init__(
        self, form: type[Dense], samples: Samples, dense: Dense | None, allocator: Allocator
    ) -> None:
        self._form = form
        self._samples = samples
        self._dense = dense
        self._allocator = allocator

    @classmethod
    def of(
        cls,
        form: type[Dense],
        vectors: Float[Tensor, "n p d"],
        *,
        precision: torch.dtype,
        storage: torch.dtype,
        allocator: Allocator,
    ) -> "BufferedMoments":
        """Return moments of these vectors, with sums in `precision` and vectors in `storage`."""
        samples = Samples.of(vectors, precision=precision, storage=storage, allocator=allocator)
        return cls(form, samples, None, allocator)._settled()

    @property
    def count(self) -> int:
        """The number of vectors at each position."""
        return self._samples.count + (self._dense.count if self._dense else 0)

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of positions and dimensions."""
        return self._samples.shape

    @property
    def precision(self) -> torch.dtype:
        """In which to compute with the vectors."""
        return self._samples.precision

    @property
    def device(self) -> torch.device:
        """The device that holds the vectors."""
        return self._samples.device

    @property
    def few(self) -> Samples | None:
        """All vectors while there are at most as many as dimensions, else None."""
        return None if self._dense else self._samples

    def update(self, vectors: Float[Tensor, "n p d"]) -> None:
        """Add n vectors per position."""
        if self._samples.count + vectors.shape[0] > self._limit:
            self.dense()  # before there are more of them than ever need to wait
        self._samples.update(vectors)
        self._settled()

    def merge(self, other: "BufferedMoments") -> None:
        """Add the vectors of `other`."""
        if other._dense:
            self.dense().merge(other._dense)  # type: ignore[arg-type]  # they are of one form
        self._samples.merge(other._samples)
        self._settled()

    def dense(self) -> Dense:
        """Move all vectors into scatter matrices, and return these moments."""
        if self._dense is None:
            positions, dimensions = self.shape
            dtype, device = self._samples.precision, self._samples.device
            self._dense = self._form.empty(
                positions, dimensions, dtype=dtype, device=device, allocator=self._allocator
            )
        if self._samples.count:
            self._dense.absorb(self._samples.count, self._samples.vectors)
            self._samples = self._samples.emptied(ahead=GROUP)
        return self._dense

    def at(self, positions: slice) -> Dense:
        """Return the moments of all vectors at some positions; those that wait go on waiting.

        So it can be called while nothing learns, by several threads at a time.
        """
        settled = self._dense.at(positions) if self._dense else self._none_at(positions)
        if self._samples.count:
            start = positions.start or 0
            settled.absorb(
                self._samples.count,
                lambda part: self._samples.vectors(slice(start + part.start, start + part.stop)),
            )
        return settled

    def _none_at(self, positions: slice) -> Dense:
        count, dimensions = len(range(self.shape[0])[positions]), self.shape[1]
        samples = self._samples
        return self._form.empty(count, dimensions, dtype=samples.precision, device=samples.device)

    def move(self, allocator: Allocator) -> None:
        """Move all large tensors to the memory of another allocator, which also keeps further ones."""
        if allocator is self._allocator:
            return
        self._allocator = allocator
        self._samples.move(allocator)
        self._dense = self._dense.copy(allocator) if self._dense else None

    def gaussian(self, positions: slice) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k d d"]]:
        """Return mean and covariance of all vectors, the latter in float64, at some positions."""
        settled = self.at(positions)
        return settled.mean, settled.covariance().double()

    def state_dict(self) -> dict[str, Tensor]:
        """Return the samples, or the moments where there are more vectors than dimensions."""
        if self.few:
            return self._samples.state_dict()
        positions, dimensions = self.shape
        size = self._samples.precision.itemsize * dimensions**2
        parts = [self.at(chosen).state_dict() for chosen in slices(positions, size)]
        count = parts[0].pop("count")
        whole = {key: torch.cat([part[key] for part in parts]) for key in parts[0] if key != "count"}
        return {"count": count} | whole | self._samples.emptied(ahead=0).state_dict()

    @classmethod
    def from_state_dict(
        cls, form: type[Dense], state: dict[str, Tensor], allocator: Allocator = IN_MEMORY
    ) -> "BufferedMoments":
        """Return the moments of a state that `state_dict` returned."""
        dense = form.from_state_dict(state, allocator) if "scatter" in state else None
        return cls(form, Samples.from_state_dict(state, allocator), dense, allocator)

    def __deepcopy__(self, memo: object) -> "BufferedMoments":
        dense = self._dense.copy(self._allocator) if self._dense else None
        return BufferedMoments(self._form, self._samples.copy(), dense, self._allocator)

    def _settled(self) -> "BufferedMoments":
        if self._samples.count > self._limit:
            self.dense()
        return self

    @property
    def _limit(self) -> int:
        """The number of vectors that may wait."""
        return GROUP if self._dense else self.shape[1]
