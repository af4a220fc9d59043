"""The moments of few vectors, in the form of the vectors themselves."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.errors import BadShape
from padimkit.moments import Moments


@final
class FewSamples:
    """All n vectors of d dimensions at each of p positions.

    While n is below d this is less to keep and less to compute with than a d x d scatter, and it is exact:
    `dense` turns it into moments when it stops paying.
    """

    def __init__(self, batches: list[Float[Tensor, "_ p d"]]) -> None:
        self._batches = batches

    @classmethod
    def of(cls, samples: Float[Tensor, "n p d"], dtype: torch.dtype) -> "FewSamples":
        """These vectors in float32 or float64."""
        return cls([samples.to(dtype)])

    @property
    def count(self) -> int:
        """How many vectors there are at each position."""
        return sum(batch.shape[0] for batch in self._batches)

    @property
    def shape(self) -> tuple[int, int]:
        """Positions and dimensions."""
        return self._batches[0].shape[1], self._batches[0].shape[2]

    @property
    def mean(self) -> Float[Tensor, "p d"]:
        """The mean at each position."""
        total = sum(batch.sum(0, dtype=torch.float64) for batch in self._batches)
        return torch.as_tensor(total / self.count).to(self._batches[0])

    def update(self, samples: Float[Tensor, "n p d"]) -> None:
        """Takes in n more vectors per position."""
        if tuple(samples.shape[1:]) != self.shape:
            raise BadShape(
                f"Expected vectors of {self.shape[1]} dimensions at {self.shape[0]} positions, "
                f"got {samples.shape[2]} at {samples.shape[1]}."
            )
        self._batches.append(samples.to(self._batches[0]))

    def merge(self, other: "FewSamples") -> None:
        """Takes in the vectors of `other`."""
        for batch in list(other._batches):  # `other` may be this one
            self.update(batch)

    def at(self, positions: slice) -> Float[Tensor, "p n d"]:
        """The vectors at some positions."""
        return torch.cat([batch[:, positions] for batch in self._batches]).transpose(0, 1)

    def dense(self) -> Moments:
        """The same moments with a scatter matrix."""
        first = self._batches[0]
        moments = Moments.empty(*self.shape, dtype=first.dtype, device=first.device)
        for batch in self._batches:
            moments.update(batch)
        return moments

    def state_dict(self) -> dict[str, Tensor]:
        """All vectors."""
        return {"samples": torch.cat(self._batches)}

    @classmethod
    def from_state_dict(cls, state: dict[str, Tensor]) -> "FewSamples":
        """The vectors that `state_dict` has written."""
        return cls([state["samples"].clone()])
