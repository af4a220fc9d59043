"""The synthetic object: a turned part, whole or with a defect."""

from dataclasses import replace

import numpy as np

from padimkit.datasets._defects import scratch, stain
from padimkit.datasets._scene import Category, Drawing, clouds, coordinates, mix, soft
from padimkit.datasets._washer import BEVEL, HOLE, OUTER, Washer


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
