"""The piece of the synthetic object: a flange with a step, a bore and six holes."""

from dataclasses import dataclass

import numpy as np

from padimkit.datasets.synthetic.draws import Draws
from padimkit.datasets.synthetic.fields import (
    Field,
    Mask,
    Picture,
    blurred,
    blurred_along_columns,
    coordinates,
    mix,
    soft,
)
from padimkit.datasets.synthetic.pose import Pose
from padimkit.datasets.synthetic.scene import Scene

STEEL = np.array((0.66, 0.67, 0.69))
BELT = np.array((0.13, 0.16, 0.20))
OUTER, STEP, BOLTS, INNER, HOLE = 0.80, 0.66, 0.50, 0.27, 0.085  # radii, where half the picture's side is 1
BEVEL = 0.03
HOLES = 6
LIGHT = np.deg2rad(235)  # from the upper left


@dataclass(frozen=True)
class Flange:
    """One part, not quite centred; `seed` fixes its tool marks, `drilled` numbers its holes clockwise."""

    scene: Scene
    seed: int
    pose: Pose
    drilled: tuple[float, ...] = tuple(float(number) for number in range(HOLES))

    @classmethod
    def random(cls, draws: Draws, scene: Scene) -> "Flange":
        pose = Pose.random(draws, scene)
        return cls(scene, draws.seed(), pose)

    def draw(self) -> Picture:
        """Draw the part on the belt."""
        radius, angle = self._polar()
        hole, hole_angle = self._nearest_hole()
        slope = np.cos(
            angle + self.pose.turn - LIGHT
        )  # 1 where a surface that falls off outwards faces the light
        tone = self._turned(radius, angle) - 0.08 * soft(STEP - radius, width=0.02)
        tone += 0.20 * slope * (_bevel(radius - OUTER) - _bevel(radius - STEP) - _bevel(radius - INNER))
        tone -= 0.20 * np.cos(hole_angle + self.pose.turn - LIGHT) * _bevel(hole - HOLE)
        metal = np.clip(STEEL * (1 + tone[..., None]), 0, 1)
        return mix(self.draw_belt(), metal, self._metal(radius, hole))

    def draw_belt(self) -> Picture:
        """Draw the belt, which is visible beside the metal and through its holes."""
        size, draws = self.scene.size, Draws(self.seed, 1)
        grain = 0.25 * blurred(draws.normal(size, size), sigma=1.0)
        grain += self.scene.between(0.04, 0.10) * draws.mottle(size, finest=54)
        x, y = coordinates(size)
        from_axis = np.hypot(x - self.pose.x - 0.03, y - self.pose.y - 0.05) / self.pose.scale
        shadow = 1 - 0.55 * soft(OUTER + 0.02 - from_axis, width=0.12)
        return BELT * ((1 + grain) * shadow)[..., None]

    def surface(self) -> Mask:
        """Return a mask of the visible metal."""
        return self._metal(self._polar()[0], self._nearest_hole()[0]) > 0

    def _nearest_hole(self) -> tuple[Field, Field]:
        """Return the distance and direction of each pixel from the axis of the nearest hole."""
        x, y = self.pose.place(self.scene.size)
        nearest, direction = np.full(x.shape, np.inf), np.zeros(x.shape)
        for number in self.drilled:
            axis = number * 2 * np.pi / HOLES
            from_x, from_y = x - BOLTS * np.cos(axis), y - BOLTS * np.sin(axis)
            distance = np.hypot(from_x, from_y)
            near = distance < HOLE + BEVEL  # few pixels are
            nearest[near] = np.minimum(distance[near], nearest[near])
            direction[near] = np.arctan2(from_y[near], from_x[near])
        return nearest, direction

    def _polar(self) -> tuple[Field, Field]:
        x, y = self.pose.place(self.scene.size)
        return np.hypot(x, y), np.arctan2(y, x)

    def _metal(self, radius: Field, hole: Field) -> Field:
        inwards = np.minimum.reduce([OUTER - radius, radius - INNER, hole - HOLE])
        return soft(inwards, width=3 / self.scene.size)

    def _turned(self, radius: Field, angle: Field) -> Field:
        # Tool marks are circles: they shine where they lie across the light, in two opposite fans.
        draws = Draws(self.seed, 2)
        deep, uneven = self.scene.between(0.10, 0.20), self.scene.between(0.02, 0.07)
        marks = deep * blurred_along_columns(draws.normal(1024), sigma=2.0)
        across = angle + self.pose.turn - LIGHT + self.scene.between(0.05, 0.20) * draws.normal(1)[0]
        fans = 0.30 * np.abs(np.cos(across)) ** 6 - 0.12
        grain = 0.03 * blurred(draws.normal(*radius.shape), sigma=0.6)
        grain += uneven * draws.mottle(self.scene.size, finest=54)
        return np.asarray(fans + np.interp(radius, np.linspace(0, 1.5, 1024), marks) + grain)


def _bevel(distance: Field) -> Field:
    return np.maximum(1 - (distance / BEVEL) ** 2, 0) ** 2
