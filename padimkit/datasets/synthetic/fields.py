"""Fields over a square picture: coordinates, soft edges, blur, and the distance from a path."""

from itertools import pairwise
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float

Field: TypeAlias = Float[np.ndarray, "height width"]  # of a picture or a window of one
Mask: TypeAlias = Bool[np.ndarray, "height width"]
Picture: TypeAlias = Float[np.ndarray, "height width 3"]
Colour: TypeAlias = tuple[float, float, float]


def coordinates(size: int) -> tuple[Field, Field]:
    """Return x and y of the pixels' centres, from -1 at the left and top to 1."""
    steps = (np.arange(size) + 0.5) * (2 / size) - 1
    x, y = np.meshgrid(steps, steps)
    return x, y


def soft(distance: Field, *, width: float) -> Field:
    """Return 0 below -width / 2, 1 above width / 2, and a smooth step between."""
    t = np.clip(distance / width + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def mix(below: Picture, above: Picture | Colour, weight: Field) -> Picture:
    """Return `above` where the weight is 1, `below` where it is 0, and a mixture between."""
    return np.asarray(below + (np.asarray(above) - below) * weight[..., None])


def blurred(field: np.ndarray, *, sigma: float) -> np.ndarray:
    """Return the field, or each channel of a picture, under a Gaussian whose deviation is `sigma` pixels."""
    down = blurred_along_columns(field, sigma=sigma)
    return np.swapaxes(blurred_along_columns(np.swapaxes(down, 0, 1), sigma=sigma), 0, 1)


def blurred_along_columns(field: np.ndarray, *, sigma: float) -> np.ndarray:
    """Return the field under a Gaussian along its first axis, mirrored at its ends."""
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    padded = np.pad(field, [(reach, reach)] + [(0, 0)] * (field.ndim - 1), mode="symmetric")
    total = weights[0] * padded[: len(field)]
    for number, weight in enumerate(weights[1:], start=1):
        total += weight * padded[number : number + len(field)]
    return np.asarray(total)


def distance_from_path(path: Float[np.ndarray, "points 2"], size: int) -> Field:
    """Return the distance of each pixel from the path, whose points are x and y."""
    x, y = coordinates(size)
    nearest = np.full((size, size), np.inf)
    for (x0, y0), (x1, y1) in pairwise(path):
        along_x, along_y = x1 - x0, y1 - y0
        length = max(along_x**2 + along_y**2, 1e-12)
        t = np.clip(((x - x0) * along_x + (y - y0) * along_y) / length, 0, 1)
        nearest = np.minimum(nearest, (x - x0 - t * along_x) ** 2 + (y - y0 - t * along_y) ** 2)
    return np.asarray(np.sqrt(nearest))
