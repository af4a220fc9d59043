"""Defects that any surface can have, stains and scratches."""

import numpy as np
from PIL import Image, ImageDraw

from padimkit.datasets.synthetic.scene import Drawing, Field, Mask, Picture, clouds, coordinates, mix, soft

FAINT = 0.08  # fainter pixels are neither drawn nor in the mask


def stain(
    generator: np.random.Generator,
    picture: Picture,
    *,
    surface: Mask,
    tint: tuple[float, float, float],
    strength: tuple[float, float],
) -> Drawing:
    """Draw a blot of this tint somewhere on the surface, translucent and darker at its rim."""
    size = len(picture)
    x, y = coordinates(size)
    centre_x, centre_y = spot(generator, surface)
    radius, opacity = generator.uniform((0.10, strength[0]), (0.22, strength[1]))
    distance = np.hypot(x - centre_x, y - centre_y) / radius + 0.28 * clouds(generator, size, cells=14)
    rim = np.exp(-(((distance - 0.85) / 0.12) ** 2))
    weight = _visible(opacity * soft(1 - distance, width=0.3) * (0.75 + 0.25 * rim), surface)
    return Drawing(mix(picture, picture * np.array(tint), weight), weight > 0)


def scratch(
    generator: np.random.Generator,
    picture: Picture,
    *,
    surface: Mask,
    colour: tuple[float, float, float],
    width: tuple[float, float],
    strength: tuple[float, float],
) -> Drawing:
    """Draw a slightly bent line of this colour across the surface; its width is a fraction of the side."""
    size = len(picture)
    length, bend, opacity = generator.uniform((0.25, -0.9, strength[0]), (0.75, 0.9, strength[1]))
    angles = generator.uniform(0, 2 * np.pi) + bend * np.linspace(-0.5, 0.5, 24)
    path = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], axis=1), axis=0) * (length / 24)
    path += np.array(spot(generator, surface)) - path[12]
    line = _line(path, size, width=generator.uniform(*width))
    weight = _visible(opacity * line * (0.85 + 0.3 * clouds(generator, size, cells=40)), surface)
    return Drawing(mix(picture, np.broadcast_to(np.array(colour), picture.shape), weight), weight > 0)


def spot(generator: np.random.Generator, surface: Mask) -> tuple[float, float]:
    """Return x and y of a random point of the surface, away from the border that models crop off."""
    x, y = coordinates(len(surface))
    index = generator.choice(np.flatnonzero(surface & (np.maximum(np.abs(x), np.abs(y)) < 0.75)))
    return float(x.flat[index]), float(y.flat[index])


def _line(path: np.ndarray, size: int, *, width: float) -> Field:
    fine = 4 * size  # drawn at four times the resolution, for smooth edges
    canvas = Image.new("L", (fine, fine))
    points = [tuple(point) for point in ((path + 1) / 2 * fine).tolist()]
    ImageDraw.Draw(canvas).line(points, fill=255, width=max(round(width * fine), 4), joint="curve")
    return np.asarray(canvas.reduce(4), dtype=float) / 255


def _visible(weight: Field, surface: Mask) -> Field:
    return np.where(surface & (weight > FAINT), np.minimum(weight, 1), 0)
