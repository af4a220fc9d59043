"""Defects that any surface can have: stains, scratches and specks."""

import numpy as np

from padimkit.datasets.synthetic.draws import Draws
from padimkit.datasets.synthetic.fields import (
    Colour,
    Field,
    Mask,
    Picture,
    coordinates,
    distance_from_path,
    mix,
    soft,
)
from padimkit.datasets.synthetic.scene import Drawing, Scene

VISIBLE = 0.15  # parts of a defect that are fainter than this fraction of it are not drawn, nor in the mask
BORDER = 0.84  # models crop what is beyond 0.875


def stain(
    draws: Draws, scene: Scene, picture: Picture, *, surface: Mask, tint: Colour, strength: float
) -> Drawing:
    """Draw a blot of this tint somewhere on the surface, translucent and darker at its rim."""
    x, y = coordinates(scene.size)
    centre_x, centre_y = spot(draws, surface)
    radius = draws.number(0.6, 1.0) * scene.late(0.25, 0.09)
    opacity = draws.number(0.75, 1.0) * scene.between(strength, 0.4 * strength)
    distance = np.hypot(x - centre_x, y - centre_y) / radius + 0.28 * draws.clouds(scene.size, cells=14)
    rim = np.exp(-(((distance - 0.85) / 0.12) ** 2))
    shape = _visible(soft(1 - distance, width=0.3) * (0.75 + 0.25 * rim), surface)
    return Drawing(mix(picture, picture * np.array(tint), opacity * shape), shape > 0)


def scratch(
    draws: Draws,
    scene: Scene,
    picture: Picture,
    *,
    surface: Mask,
    colours: tuple[Colour, ...],
    width: float,
    strength: float,
) -> Drawing:
    """Draw a bent line across the surface, in that of the colours which shows best; width in half sides."""
    middle = spot(draws, surface)
    length = draws.number(0.6, 1.4) * scene.late(0.7, 0.25)
    opacity = draws.number(0.75, 1.0) * scene.between(strength, 0.4 * strength)
    angles = draws.number(0.0, 2.0 * np.pi) + draws.number(-0.9, 0.9) * np.linspace(-0.5, 0.5, 12)
    path = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], axis=1), axis=0) * (length / 12)
    path += np.array(middle) - path[6]
    half = max(draws.number(0.6, 1.4) * width, 0.6 / scene.size)  # thinner lines would be lost in the pixels
    line = soft(half - distance_from_path(path, scene.size), width=2 / scene.size)
    shape = _visible(line * np.clip(0.85 + 0.3 * draws.clouds(scene.size, cells=40), 0.3, 1), surface)
    colour = _showing(colours, picture, *middle)
    return Drawing(mix(picture, colour, opacity * shape), shape > 0)


def speck(
    draws: Draws,
    scene: Scene,
    picture: Picture,
    *,
    surface: Mask,
    colours: tuple[Colour, ...],
    strength: float,
) -> Drawing:
    """Draw a particle on the surface, in that of the colours which shows best; a few pixels if it is hard."""
    x, y = coordinates(scene.size)
    centre_x, centre_y = spot(draws, surface)
    wide = scene.late(0.06, 0.014) * draws.number(0.8, 1.2)
    flat, turn = draws.number(0.6, 1.0), draws.number(0.0, np.pi)
    opacity = draws.number(0.75, 1.0) * scene.between(strength, 0.6 * strength)
    x, y = x - centre_x, y - centre_y
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    rough = 1 + 0.2 * draws.clouds(scene.size, cells=48)
    inwards = wide * rough - np.hypot(along, across / flat)
    shape = _visible(soft(inwards, width=3 / scene.size), surface)
    if not shape.any():  # a particle between the centres of pixels
        shape = (np.hypot(x, y) == np.where(surface, np.hypot(x, y), np.inf).min()).astype(float)
    colour = _showing(colours, picture, centre_x, centre_y)
    return Drawing(mix(picture, colour, opacity * shape), shape > 0)


def spot(draws: Draws, surface: Mask) -> tuple[float, float]:
    """Return x and y of a random point of the surface; one in four lies at the border of what models see."""
    x, y = coordinates(len(surface))
    outwards = np.maximum(np.abs(x), np.abs(y))
    seen = surface & (outwards < BORDER)
    border = seen & (outwards > BORDER - 0.1)
    near_border, place = draws.number(0.0, 1.0) < 0.25, draws.number(0.0, 1.0)
    candidates = np.flatnonzero(border if near_border and border.any() else seen)
    index = candidates[int(place * len(candidates))]
    return float(x.flat[index]), float(y.flat[index])


def _showing(colours: tuple[Colour, ...], picture: Picture, x: float, y: float) -> Colour:
    """Return the colour that differs most from the picture at this point."""
    below = picture[int((y + 1) / 2 * len(picture)), int((x + 1) / 2 * len(picture))]
    return max(colours, key=lambda colour: float(np.abs(np.array(colour) - below).sum()))


def _visible(shape: Field, surface: Mask) -> Field:
    return np.where(surface & (shape > VISIBLE), np.minimum(shape, 1), 0)
