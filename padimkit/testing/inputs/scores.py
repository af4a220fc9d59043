"""Made-up patch scores of two levels, whose grids differ, and what is done to them.

They stand beside the other made-up inputs, one module for each kind of value.
"""

from dataclasses import replace

import torch
from torch import Tensor

from padimkit.testing.answers import DataSet
from padimkit.testing.inputs.scale import size_or
from padimkit.values import Scores

FINE, _COARSE = (6, 9), (3, 5)  # positions, not square
SIZE = (72, 126)  # pixels of the maps
IMAGES = 4
_SPOT = 20.0  # above all other scores


def levels_of(data: DataSet) -> list[Scores]:
    """Return the scores of two levels, between 0 and 1."""
    generator = torch.Generator().manual_seed(1 if data == "first" else 2)
    grids = (size_or(FINE), _COARSE)
    return [Scores(torch.rand(IMAGES, *grid, generator=generator)) for grid in grids]


def scaled(size: tuple[int, int], scale: int) -> tuple[int, int]:
    """Return height and width of a map that is this many times larger."""
    return size[0] * scale, size[1] * scale


def left_part(scale: int = 1) -> Tensor:
    """Return a region in the left quarter of the map, or of one that is this many times larger."""
    height, width = scaled(SIZE, scale)
    region = torch.zeros(height, width, dtype=torch.bool)
    region[8 * scale : 64 * scale, : width // 4] = True
    return region


def part_of(level: Scores, start: int, stop: int) -> Scores:
    """Return some of the images."""
    return Scores(level.patches[start:stop])


def spotted(level: Scores, place: tuple[int, int], *, times: float = 1.0) -> Scores:
    """Return the scores with a high one at a row and a column of each image, or one so many times as high."""
    patches = level.patches.clone()
    patches[:, place[0], place[1]] += times * _SPOT
    return replace(level, patches=patches)
