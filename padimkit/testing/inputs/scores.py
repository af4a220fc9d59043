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


def left_part() -> Tensor:
    """Return a region in the left quarter of the map."""
    region = torch.zeros(SIZE, dtype=torch.bool)
    region[8:64, : SIZE[1] // 4] = True
    return region


def part_of(level: Scores, start: int, stop: int) -> Scores:
    """Return some of the images."""
    return Scores(level.patches[start:stop])


def spotted(level: Scores, place: tuple[int, int]) -> Scores:
    """Return the scores with a high one at a row and a column of each image."""
    patches = level.patches.clone()
    patches[:, place[0], place[1]] += _SPOT
    return replace(level, patches=patches)
