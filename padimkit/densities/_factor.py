"""Matrices that are read once for each image, in the layout that is quickest to read."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.memory import IN_MEMORY, Allocator

_STEPS = 4  # further ones would save less than their overhead costs
_TILE = 16  # products in half precision take twice as long if a side is not a multiple of it


# If |y|^2 - |F y|^2 is at least this share of |y|^2, it is right: to about 1 %, or in float64 to a millionth.
RESOLUTION = {torch.bfloat16: 0.03, torch.float32: 1e-3, torch.float64: 1e-9}


@dataclass(frozen=True)
class Block:
    """Some rows of a matrix, with only the first `width` columns; all others are 0."""

    rows: slice
    width: int

    @property
    def height(self) -> int:
        """The number of rows."""
        return int(self.rows.stop - self.rows.start)


def rectangle(rows: int, columns: int) -> tuple[Block, ...]:
    """Return one block with the whole matrix."""
    return (Block(slice(0, rows), columns),)


def lower_triangle(side: int) -> tuple[Block, ...]:
    """Return blocks, a staircase, that hold the lower triangle of a square matrix and little else."""
    step = padded(-(-side // _STEPS))
    return tuple(
        Block(slice(start, min(start + step, side)), min(start + step, side))
        for start in range(0, side, step)
    )


def area(blocks: tuple[Block, ...]) -> int:
    """Return the number of values in the blocks."""
    return sum(block.height * block.width for block in blocks)


class Factor(ABC):
    """A matrix F at each of p positions, written portion by portion and then only read."""

    resolution: float

    @abstractmethod
    def write(self, positions: slice, matrices: Float[Tensor, "k r d"]) -> None:
        """Set the matrices at the positions."""

    @abstractmethod
    def deviations(
        self, vectors: Float[Tensor, "n k d"], mean: Float[Tensor, "k d"]
    ) -> Float[Tensor, "k n w"]:
        """Return the vectors minus the mean, rounded and padded with 0 as `lengths` needs them."""

    @abstractmethod
    def lengths(self, deviations: Float[Tensor, "k n w"], positions: slice) -> Float[Tensor, "k n"]:
        """Return |F y| for n deviations y at each of the positions."""


@final
class FullFactor(Factor):
    """A factor in the precision of the mean."""

    def __init__(
        self,
        positions: int,
        blocks: tuple[Block, ...],
        *,
        dtype: torch.dtype,
        device: torch.device,
        allocator: Allocator = IN_MEMORY,
    ) -> None:
        self.resolution = RESOLUTION[dtype]
        self._blocks = blocks
        self._matrices = [
            allocator.empty((positions, block.width, block.height), dtype, device) for block in blocks
        ]

    @property
    def matrices(self) -> tuple[Float[Tensor, "p w _"], ...]:
        """The blocks, each transposed: a deviation's first w values times it are some values of F y."""
        return tuple(self._matrices)

    def write(self, positions: slice, matrices: Float[Tensor, "k r d"]) -> None:
        for block, kept in zip(self._blocks, self._matrices, strict=True):
            kept[positions] = matrices[:, block.rows, : block.width].mT

    def deviations(
        self, vectors: Float[Tensor, "n k d"], mean: Float[Tensor, "k d"]
    ) -> Float[Tensor, "k n w"]:
        count, positions, dimensions = vectors.shape
        deviations = mean.new_empty(positions, count, dimensions)
        return torch.sub(vectors.transpose(0, 1).to(mean.dtype), mean[:, None], out=deviations)

    def lengths(self, deviations: Float[Tensor, "k n w"], positions: slice) -> Float[Tensor, "k n"]:
        # A row times a matrix is read at the speed of the memory, a matrix times a column at half of it.
        return _length(
            [deviations[:, :, : kept.shape[1]] @ kept[positions] for kept in self._matrices], dim=2
        )


@final
class HalfFactor(Factor):
    """A factor in bfloat16: half the memory and time, and three digits of each number."""

    resolution = RESOLUTION[torch.bfloat16]

    def __init__(self, positions: int, blocks: tuple[Block, ...], *, device: torch.device) -> None:
        self._blocks = blocks
        self._matrices = [
            torch.zeros(
                positions, padded(block.height), padded(block.width), dtype=torch.bfloat16, device=device
            )
            for block in blocks
        ]

    def write(self, positions: slice, matrices: Float[Tensor, "k r d"]) -> None:
        for block, kept in zip(self._blocks, self._matrices, strict=True):
            kept[positions, : block.height, : block.width] = matrices[:, block.rows, : block.width]

    def deviations(
        self, vectors: Float[Tensor, "n k d"], mean: Float[Tensor, "k d"]
    ) -> Float[Tensor, "k n w"]:
        count, positions, dimensions = vectors.shape
        deviations = self._matrices[0].new_zeros(positions, count, padded(dimensions))
        deviations[:, :, :dimensions] = vectors.transpose(0, 1) - mean[:, None]
        return deviations

    def lengths(self, deviations: Float[Tensor, "k n w"], positions: slice) -> Float[Tensor, "k n"]:
        squares = [
            (kept[positions] @ deviations[:, :, : kept.shape[2]].contiguous().mT).float().square().sum(1)
            for kept in self._matrices
        ]
        return torch.stack(squares).sum(0).sqrt()


def _length(parts: list[Float[Tensor, "k _ _"]], *, dim: int) -> Float[Tensor, "k n"]:
    lengths = [length(part, dim=dim) for part in parts]
    return lengths[0] if len(lengths) == 1 else length(torch.stack(lengths), dim=0)


def length(vectors: Float[Tensor, "..."], *, dim: int) -> Float[Tensor, "..."]:
    """Return the Euclidean norm in float32, or in the precision of the vectors if it is higher."""
    norm: Tensor = torch.linalg.vector_norm(
        vectors.to(torch.promote_types(vectors.dtype, torch.float32)), dim=dim
    )
    return norm


def padded(size: int) -> int:
    """Return the size of a side in half precision, with what only fills it up."""
    return -(-size // _TILE) * _TILE
