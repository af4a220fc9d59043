"""The synthetic object, a turned part, whole or with a defect."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from padimkit.datasets.synthetic.defects import scratch, stain
from padimkit.datasets.synthetic.scene import (
    Category,
    Drawing,
    Field,
    Mask,
    Picture,
    clouds,
    coordinates,
    mix,
    soft,
)


def _normal(generator: np.random.Generator, size: int) -> Drawing:
    return Drawing(Washer.random(generator, size).draw(), np.zeros((size, size), dtype=bool))


def _scratch(generator: np.random.Generator, size: int) -> Drawing:
    washer = Washer.random(generator, size)
    colour = (0.95, 0.95, 0.95) if generator.random() < 0.5 else (0.25, 0.25, 0.27)
    return scratch(
        generator,
        washer.draw(),
        surface=washer.surface(),
        colour=colour,
        width=(0.002, 0.006),
        strength=(0.15, 0.6),
    )


def _rust(generator: np.random.Generator, size: int) -> Drawing:
    washer = Washer.random(generator, size)
    return stain(
        generator, washer.draw(), surface=washer.surface(), tint=(0.62, 0.38, 0.20), strength=(0.15, 0.6)
    )


def _missing_hole(generator: np.random.Generator, size: int) -> Drawing:
    whole = Washer.random(generator, size)
    missing = int(generator.choice(whole.holes))
    washer = replace(whole, holes=tuple(hole for hole in whole.holes if hole != missing))
    return Drawing(
        washer.draw(), (whole.nearest_hole()[0] < HOLE + BEVEL) & (washer.nearest_hole()[0] == np.inf)
    )


def _chipped(generator: np.random.Generator, size: int) -> Drawing:
    washer = Washer.random(generator, size)
    angle, radius = generator.uniform((0, 0.03), (2 * np.pi, 0.11))
    x, y = coordinates(size)
    x = x - washer.centre[0] - OUTER * washer.scale * np.cos(angle)
    y = y - washer.centre[1] - OUTER * washer.scale * np.sin(angle)
    inside = radius * (1 + 0.25 * clouds(generator, size, cells=24)) - np.hypot(x, y)
    whole = washer.draw()
    mask = washer.surface() & (inside > -0.015)
    broken = mix(whole * 0.62, washer.draw_belt(), soft(inside - 0.01, width=0.02))
    return Drawing(np.where(mask[..., None], broken, whole), mask)


OBJECT = Category(
    normal=_normal,
    defects={"chipped": _chipped, "missing_hole": _missing_hole, "rust": _rust, "scratch": _scratch},
)

STEEL = np.array((0.66, 0.67, 0.69))
BELT = np.array((0.13, 0.16, 0.20))
OUTER, STEP, BOLTS, INNER, HOLE = 0.80, 0.66, 0.50, 0.27, 0.085  # radii, where half the picture's side is 1
BEVEL = 0.03
LIGHT = np.deg2rad(235)  # from the upper left


@dataclass(frozen=True)
class Washer:
    """One part, not quite centred; `seed` fixes its tool marks, `holes` are numbered clockwise."""

    size: int
    seed: int
    centre: tuple[float, float]
    turn: float
    scale: float
    holes: tuple[int, ...] = (0, 1, 2, 3, 4, 5)

    @classmethod
    def random(cls, generator: np.random.Generator, size: int) -> "Washer":
        x, y, turn, scale = generator.uniform((-0.025, -0.025, -0.06, 0.985), (0.025, 0.025, 0.06, 1.015))
        return cls(size, int(generator.integers(2**32)), (x, y), turn, scale)

    def draw(self) -> Picture:
        """Draw the part on the belt."""
        radius, angle = self._polar()
        hole, hole_angle = self.nearest_hole()
        slope = np.cos(angle - LIGHT)  # 1 where a surface that falls off outwards faces the light
        tone = self._turned(radius, angle) - 0.08 * soft(STEP - radius, width=0.02)
        tone += 0.20 * slope * (_bevel(radius - OUTER) - _bevel(radius - STEP) - _bevel(radius - INNER))
        tone -= 0.20 * np.cos(hole_angle - LIGHT) * _bevel(hole - HOLE)
        metal = np.clip(STEEL * (1 + tone[..., None]), 0, 1)
        return mix(self.draw_belt(), metal, self._metal(radius, hole))

    def draw_belt(self) -> Picture:
        """Draw the belt, which is visible beside the metal and through its holes."""
        generator = np.random.default_rng((self.seed, 1))
        grain = gaussian_filter(generator.normal(scale=0.25, size=(self.size, self.size)), 1)
        grain += 0.04 * clouds(generator, self.size, cells=5)
        x, y = coordinates(self.size)
        from_axis = np.hypot(x - self.centre[0] - 0.03, y - self.centre[1] - 0.05) / self.scale
        shadow = 1 - 0.55 * soft(OUTER + 0.02 - from_axis, width=0.12)
        return BELT * ((1 + grain) * shadow)[..., None]

    def surface(self) -> Mask:
        """Return a mask of the visible metal."""
        return self._metal(self._polar()[0], self.nearest_hole()[0]) > 0

    def nearest_hole(self) -> tuple[Field, Field]:
        """Return the distance and direction of each pixel from the axis of the nearest hole."""
        radius, angle = self._polar()
        number = np.floor((angle - self.turn) / (np.pi / 3) + 0.5)
        axis = self.turn + number * np.pi / 3
        x = radius * np.cos(angle) - BOLTS * np.cos(axis)
        y = radius * np.sin(angle) - BOLTS * np.sin(axis)
        drilled = np.isin(number.astype(int) % 6, self.holes)
        return np.where(drilled, np.hypot(x, y), np.inf), np.arctan2(y, x)

    def _polar(self) -> tuple[Field, Field]:
        x, y = coordinates(self.size)
        x, y = (x - self.centre[0]) / self.scale, (y - self.centre[1]) / self.scale
        return np.hypot(x, y), np.arctan2(y, x)

    def _metal(self, radius: Field, hole: Field) -> Field:
        inwards = np.minimum.reduce([OUTER - radius, radius - INNER, hole - HOLE])
        return soft(inwards, width=3 / self.size)

    def _turned(self, radius: Field, angle: Field) -> Field:
        # Tool marks are circles: they shine where they lie across the light, in two opposite fans.
        generator = np.random.default_rng((self.seed, 2))
        marks = gaussian_filter1d(generator.normal(scale=0.13, size=1024), 2.0)
        fans = 0.30 * np.abs(np.cos(angle - LIGHT + generator.normal(scale=0.08))) ** 6 - 0.12
        grain = gaussian_filter(generator.normal(scale=0.03, size=radius.shape), 0.6)
        return np.asarray(fans + np.interp(radius, np.linspace(0, 1.5, 1024), marks) + grain)


def _bevel(distance: Field) -> Field:
    return np.maximum(1 - (distance / BEVEL) ** 2, 0) ** 2
