"""The synthetic texture, a fabric, whole or with a defect."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from padimkit.datasets.synthetic.defects import scratch, spot, stain
from padimkit.datasets.synthetic.scene import (
    Category,
    Drawing,
    Field,
    Mask,
    Picture,
    clouds,
    coordinates,
    soft,
)


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
    shift = np.where(pull * weight > 0.1, pull * weight, 0)  # in threads; less is not visible
    u, v = u + shift * np.cos(direction), v + shift * np.sin(direction)
    return Drawing(fabric.draw(u, v, _everywhere(size) ^ True), shift > 0)


def _everywhere(size: int) -> Mask:
    return np.ones((size, size), dtype=bool)


TEXTURE = Category(
    normal=_normal,
    defects={"cut": _cut, "distortion": _distortion, "missing_thread": _missing_thread, "stain": _stain},
)

THREADS = 34  # along a side
WARP = np.array((0.86, 0.83, 0.76))  # undyed, runs from top to bottom
WEFT = np.array((0.36, 0.50, 0.62))  # blue, runs from left to right


@dataclass(frozen=True)
class Fabric:
    """One piece of plain weave, a little turned and shifted; `seed` fixes its threads."""

    size: int
    seed: int
    angle: float
    shift: tuple[float, float]

    @classmethod
    def random(cls, generator: np.random.Generator, size: int) -> "Fabric":
        x, y, angle = generator.uniform((0, 0, -0.03), (1, 1, 0.03))
        return cls(size, int(generator.integers(2**32)), angle, (x, y))

    def threads(self) -> tuple[Field, Field]:
        """Return each pixel's position in threads: of the warp from the left, of the weft from the top."""
        x, y = coordinates(self.size)
        generator = np.random.default_rng(self.seed)
        across, down = (clouds(generator, self.size, cells=6) * 0.18 for _ in range(2))
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        u = (x * cosine - y * sine + 2) * THREADS / 2 + self.shift[0] + across
        v = (x * sine + y * cosine + 2) * THREADS / 2 + self.shift[1] + down
        return u, v

    def draw(self, u: Field, v: Field, missing: Mask) -> Picture:
        """Draw the weave at these thread coordinates, without the weft where `missing` is true."""
        generator = np.random.default_rng((self.seed, 1))
        tones = generator.normal(scale=(0.05, 0.04), size=(3 * THREADS, 2))
        widths = generator.normal(0.47, scale=0.02, size=(3 * THREADS, 2))
        i, j = u.astype(int), v.astype(int)
        p, q = u - i - 0.5, v - j - 0.5
        over = np.where((i + j) % 2, 1.0, -1.0)
        warp = _round(p / widths[i, 0])
        weft = np.where(missing, 0, _round(q / widths[j, 1]))
        warp_height = over * np.cos(np.pi * q)
        weft_height = -over * np.cos(np.pi * p)
        on_top = (warp > 0) & ((warp_height >= weft_height) | (weft == 0))
        warp_light = warp * (0.80 + 0.20 * warp_height) * (1 + tones[i, 0]) * _twist(3.0 * v + 1.2 * p)
        weft_light = weft * (0.80 + 0.20 * weft_height) * (1 + tones[j, 1]) * _twist(3.0 * u - 1.2 * q)
        fibres = gaussian_filter(generator.normal(scale=0.10, size=u.shape), 0.7)
        light = np.where(on_top, warp_light, weft_light) * (1 + fibres)
        return np.asarray(0.06 + 0.94 * light[..., None] * np.where(on_top[..., None], WARP, WEFT))


def _round(across: Field) -> Field:
    """Return the brightness of a round thread across its width, from -1 to 1, and 0 beside it."""
    return np.where(np.abs(across) < 1, 0.35 + 0.65 * np.sqrt(np.maximum(1 - across**2, 0)), 0)


def _twist(turns: Field) -> Field:
    return 1 + 0.06 * np.sin(2 * np.pi * turns)
