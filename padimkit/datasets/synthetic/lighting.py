"""Lighting: exposure, a gradient, darker corners and a tint. The camera adds noise, not light."""

from dataclasses import dataclass

import numpy as np

from padimkit.datasets.synthetic.draws import Draws
from padimkit.datasets.synthetic.fields import Picture, coordinates
from padimkit.datasets.synthetic.scene import Scene


@dataclass(frozen=True)
class Lighting:
    """One light: its exposure, the direction and slope of its gradient, and its warmth."""

    exposure: float
    direction: float
    slope: float
    warmth: float
    shade: tuple[
        float, float, float
    ]  # direction, place and depth of the shadow of something beyond the picture

    @classmethod
    def random(cls, draws: Draws, scene: Scene) -> "Lighting":
        """Draw a light, the less even the more difficult the scene."""
        exposure, warmth = scene.between(0.03, 0.25), scene.between(0.0, 0.05)
        return cls(
            exposure=1 + draws.number(-exposure, exposure),
            direction=draws.number(0.0, 2.0 * np.pi),
            slope=draws.number(0.0, scene.between(0.05, 0.35)),
            warmth=draws.number(-warmth, warmth),
            shade=(
                draws.number(0.0, 2.0 * np.pi),
                draws.number(0.1, 1.2),
                draws.number(0.0, scene.between(0.0, 0.4)),
            ),
        )

    def fall_on(self, picture: Picture) -> Picture:
        """Return the picture in this light."""
        x, y = coordinates(len(picture))
        gradient = self.slope * (x * np.cos(self.direction) + y * np.sin(self.direction))
        light = self.exposure * (1 + gradient - 0.07 * (x * x + y * y))
        direction, place, depth = self.shade
        beyond = x * np.cos(direction) + y * np.sin(direction) - place
        light *= 1 - depth / (1 + np.exp(-8 * beyond))
        return np.asarray(picture * light[..., None] * (1 + self.warmth, 1.0, 1 - self.warmth))
