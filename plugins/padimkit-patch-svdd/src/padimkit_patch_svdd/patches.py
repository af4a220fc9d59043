"""The drawing of pairs of patches: close ones to be alike, neighbours to be told apart by direction.

Sampling is that of the authors' program.
"""

import itertools
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

_NOISE = 0.02  # standard deviation of shifts of colours, and of noise of pixels
_CLOSEST = 3, 4  # the least distance to a neighbour as a fraction of the patch
_SHIFT = 32  # a pair of alike patches lies at most this part of the patch apart

DIRECTIONS = tuple(pair for pair in itertools.product((-1, 0, 1), repeat=2) if pair != (0, 0))

Corners = Int[Tensor, "n 2"]  # rows and columns of upper left corners


def corners(
    count: int, *, size: tuple[int, int], patch: int, generator: torch.Generator
) -> Int[Tensor, "n 2"]:
    """Draw patches within an image of a height and width."""
    sides = [torch.randint(side - patch + 1, (count,), generator=generator) for side in size]
    return torch.stack(sides, 1)


def close_pairs(
    count: int, *, size: tuple[int, int], patch: int, generator: torch.Generator
) -> tuple[Int[Tensor, "n 2"], Int[Tensor, "n 2"]]:
    """Draw pairs of patches that lie at most a 32nd of their side apart, and one pixel at least."""
    reach = max(1, patch // _SHIFT)
    first = corners(count, size=size, patch=patch, generator=generator)
    steps = [pair for pair in itertools.product(range(-reach, reach + 1), repeat=2) if pair != (0, 0)]
    chosen = torch.randint(len(steps), (count,), generator=generator)
    return first, _within(first + torch.tensor(steps)[chosen], size, patch)


def neighbour_pairs(
    count: int, *, size: tuple[int, int], patch: int, generator: torch.Generator
) -> tuple[Int[Tensor, "n 2"], Int[Tensor, "n 2"], Int[Tensor, " n"]]:
    """Draw patches, a neighbour of each in one of the eight `DIRECTIONS`, and the number of that.

    The neighbour begins three quarters of a side away, or up to a quarter more, and is moved back into the
    image where it would leave it, as in the authors' program: pairs at the border may overlap more.
    """
    first = corners(count, size=size, patch=patch, generator=generator)
    direction = torch.randint(len(DIRECTIONS), (count,), generator=generator)
    least = _CLOSEST[0] * patch // _CLOSEST[1]
    distance = least + torch.randint(patch // 4, (count, 2), generator=generator)
    return first, _within(first + torch.tensor(DIRECTIONS)[direction] * distance, size, patch), direction


def cut(
    images: Sequence[Float[Tensor, "c h w"]], numbers: Sequence[int], corners: Int[Tensor, "n 2"], patch: int
) -> Float[Tensor, "n c _ _"]:
    """Return a patch of each of the images with these numbers."""
    places = zip(numbers, corners.tolist(), strict=True)
    return torch.stack([images[n][:, y : y + patch, x : x + patch] for n, (y, x) in places])


def disturbed(patches: Float[Tensor, "n c k k"], generator: torch.Generator) -> Float[Tensor, "n c k k"]:
    """Return the patches with their colours shifted and noise added, both by a generator on the CPU."""
    shift = _NOISE * torch.randn((*patches.shape[:2], 1, 1), generator=generator)
    noise = _NOISE * torch.randn(patches.shape, generator=generator)
    return patches + (shift + noise).to(patches.device)


def _within(places: Int[Tensor, "n 2"], size: tuple[int, int], patch: int) -> Int[Tensor, "n 2"]:
    last = torch.tensor([side - patch for side in size])
    return places.clamp(min=torch.zeros(2, dtype=torch.int64), max=last)
