"""Averages of feature maps over all positions: by torch, and for graphs that other runtimes run."""

from jaxtyping import Float
from torch import Tensor


def averages(maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c"]:
    """Return the average of each channel over all positions."""
    return maps.mean((2, 3))


def traceable_averages(maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c"]:
    """Return what `averages` does, by products with constant vectors, first along each row.

    A mean in OpenVINO adds all positions one after another in float32, which is off by 4e-5 over 190 x 190.
    """
    height, width = maps.shape[2:]
    return maps @ maps.new_full((width,), 1 / width) @ maps.new_full((height,), 1 / height)
