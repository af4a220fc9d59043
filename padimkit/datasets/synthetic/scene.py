"""The elements of synthetic scenes: fields over a square picture, soft edges, and the camera."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.ndimage import zoom

Field: TypeAlias = Float[np.ndarray, "size size"]
Mask: TypeAlias = Bool[np.ndarray, "size size"]
Picture: TypeAlias = Float[np.ndarray, "size size 3"]


@dataclass(frozen=True)
class Drawing:
    """A picture in [0, 1] before the camera; `mask` is true where a defect has changed it."""

    picture: Picture
    mask: Mask


@dataclass(frozen=True)
class Category:
    """The functions that draw a category, without a defect and with each kind of defect."""

    normal: Callable[[np.random.Generator, int], Drawing]
    defects: dict[str, Callable[[np.random.Generator, int], Drawing]]


def coordinates(size: int) -> tuple[Field, Field]:
    """Return x and y of the pixels' centres, from -1 at the left and top to 1."""
    steps = (np.arange(size) + 0.5) * (2 / size) - 1
    x, y = np.meshgrid(steps, steps)
    return x, y


def clouds(generator: np.random.Generator, size: int, *, cells: int) -> Field:
    """Return a smooth random field with about `cells` hills and valleys per side and a deviation near 0.7."""
    spline = zoom(np.eye(cells), (size / cells, 1), order=3, mode="nearest", grid_mode=True)
    return np.asarray(spline @ generator.standard_normal((cells, cells)) @ spline.T)


def soft(distance: Field, *, width: float) -> Field:
    """Return 0 below -width / 2, 1 above width / 2, and a smooth step between."""
    t = np.clip(distance / width + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def mix(below: Picture, above: Picture, weight: Field) -> Picture:
    """Return `above` where the weight is 1, `below` where it is 0, and a mixture between."""
    return np.asarray(below + (above - below) * weight[..., None])


def photograph(picture: Picture, generator: np.random.Generator) -> UInt8[np.ndarray, "size size 3"]:
    """Return the picture under uneven light, through a camera with a little noise."""
    x, y = coordinates(len(picture))
    angle, slope, exposure = generator.uniform((0, 0.02, 0.95), (2 * np.pi, 0.08, 1.05))
    light = exposure * (1 + slope * (x * np.cos(angle) + y * np.sin(angle)) - 0.07 * (x * x + y * y))
    noise = generator.normal(scale=0.012, size=picture.shape)
    return np.asarray(np.rint(255 * np.clip(picture * light[..., None] + noise, 0, 1)), dtype=np.uint8)
