"""Matrices that are read once for each image, in the layout in which that is quickest."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

_STEPS = 4  # more save less than their overhead costs
_TILE = 16  # the products of half precision take twice as long where a side is no multiple of it


@dataclass(frozen=True)
class Block:
    """Some rows of a matrix, of which only the first `width` columns are kept: the others are 0."""

    rows: slice
    width: int

    @property
    def height(self) -> int:
        """How many rows these are."""
        return int(self.rows.stop - self.rows.start)


def rectangle(rows: int, columns: int) -> tuple[Block, ...]:
    """All of a matrix."""
    return (Block(slice(0, rows), columns),)


def lower_triangle(side: int) -> tuple[Block, ...]:
    """A staircase that holds the lower triangle of a square matrix, and little else."""
    step = _padded(-(-side // _STEPS))
    return tuple(
        Block(slice(start, min(start + step, side)), min(start + step, side))
        for start in range(0, side, step)
    )


def area(blocks: tuple[Block, ...]) -> int:
    """How many numbers the blocks hold."""
    return sum(block.height * block.width for block in blocks)


class Factor(ABC):
    """A matrix F at each of p positions, to be written portion by portion and then only read.

    `resolution`: the share of |y|^2 that |y|^2 - |F y|^2 must leave to be right to about 1 %.
    """

    resolution: float

    @abstractmethod
    def write(self, positions: slice, matrices: Float[Tensor, "k r d"]) -> None:
        """Sets the matrices at some positions."""

    @abstractmethod
    def deviations(
        self, vectors: Float[Tensor, "n k d"], mean: Float[Tensor, "k d"]
    ) -> Float[Tensor, "k n w"]:
        """What `lengths` takes: the vectors less the mean, rounded as the matrices are, filled up with 0."""

    @abstractmethod
    def lengths(self, deviations: Float[Tensor, "k n w"], positions: slice) -> Float[Tensor, "k n"]:
        """|F y| for n deviations y at each of some positions."""


@final
class FullFactor(Factor):
    """In the precision of the mean."""

    resolution = 1e-3

    def __init__(
        self, positions: int, blocks: tuple[Block, ...], *, dtype: torch.dtype, device: torch.device
    ) -> None:
        self._blocks = blocks
        self._matrices = [
            torch.empty(positions, block.width, block.height, dtype=dtype, device=device) for block in blocks
        ]

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
    """In bfloat16, which takes half the memory and time; three digits are left of each number."""

    resolution = 0.03

    def __init__(self, positions: int, blocks: tuple[Block, ...], *, device: torch.device) -> None:
        self._blocks = blocks
        self._matrices = [
            torch.zeros(
                positions, _padded(block.height), _padded(block.width), dtype=torch.bfloat16, device=device
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
        deviations = self._matrices[0].new_zeros(positions, count, _padded(dimensions))
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
    """The Euclidean norm, in float32 or better."""
    norm: Tensor = torch.linalg.vector_norm(
        vectors.to(torch.promote_types(vectors.dtype, torch.float32)), dim=dim
    )
    return norm


def _padded(size: int) -> int:
    return -(-size // _TILE) * _TILE
