"""The synthetic texture: a fabric, whole or with a defect."""

import numpy as np

from padimkit.datasets._defects import scratch, spot, stain
from padimkit.datasets._fabric import Fabric
from padimkit.datasets._scene import Category, Drawing, Mask, coordinates, soft


def _normal(generator: np.random.Generator, size: int) -> Drawing:
    fabric = Fabric.random(generator, size)
    nowhere = _everywhere(size) ^ True
    return Drawing(fabric.draw(*fabric.threads(), nowhere), nowhere)


def _cut(generator: np.random.Generator, size: int) -> Drawing:
    picture = _normal(generator, size).picture
    return scratch(
        generator,
        picture,
        surface=_everywhere(size),
        colour=(0.04, 0.04, 0.05),
        width=(0.009, 0.018),
        strength=(0.8, 1.0),
    )


def _stain(generator: np.random.Generator, size: int) -> Drawing:
    picture = _normal(generator, size).picture
    return stain(generator, picture, surface=_everywhere(size), tint=(0.50, 0.36, 0.20), strength=(0.65, 1.0))


def _missing_thread(generator: np.random.Generator, size: int) -> Drawing:
    fabric = Fabric.random(generator, size)
    u, v = fabric.threads()
    row, column = (int(generator.integers(t.min() + 6, t.max() - 6)) for t in (v, u))
    length = generator.integers(5, 14)
    missing = (v.astype(int) == row) & (np.abs(u - column) < length / 2)
    return Drawing(fabric.draw(u, v, missing), missing)


def _distortion(generator: np.random.Generator, size: int) -> Drawing:
    fabric = Fabric.random(generator, size)
    u, v = fabric.threads()
    x, y = coordinates(size)
    centre_x, centre_y = spot(generator, _everywhere(size))
    radius, pull, direction = generator.uniform((0.14, 0.8, 0), (0.26, 1.8, 2 * np.pi))
    weight = soft(1 - np.hypot(x - centre_x, y - centre_y) / radius, width=1.0)
    shift = np.where(pull * weight > 0.1, pull * weight, 0)  # in threads; less is not seen
    u, v = u + shift * np.cos(direction), v + shift * np.sin(direction)
    return Drawing(fabric.draw(u, v, _everywhere(size) ^ True), shift > 0)


def _everywhere(size: int) -> Mask:
    return np.ones((size, size), dtype=bool)


TEXTURE = Category(
    normal=_normal,
    defects={"cut": _cut, "distortion": _distortion, "missing_thread": _missing_thread, "stain": _stain},
)
