"""Poses of pieces: no two lie alike under the camera."""

from dataclasses import dataclass

import numpy as np

from padimkit.datasets.synthetic.draws import Draws
from padimkit.datasets.synthetic.fields import Field, coordinates
from padimkit.datasets.synthetic.scene import Scene


@dataclass(frozen=True)
class Pose:
    """A shift in half sides of the picture, a turn in radians, and a scale."""

    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0
    scale: float = 1.0

    @classmethod
    def random(cls, draws: Draws, scene: Scene) -> "Pose":
        """Draw a pose, the farther from the middle the more difficult the scene."""
        shift, turn = scene.between(0.01, 0.06), scene.between(0.02, 0.14)
        scale = scene.between(0.01, 0.05)
        return cls(
            x=draws.number(-shift, shift),
            y=draws.number(-shift, shift),
            turn=draws.number(-turn, turn),
            scale=1 + draws.number(-scale, scale),
        )

    def place(self, size: int) -> tuple[Field, Field]:
        """Return x and y of each pixel as seen from the piece."""
        return self.seen(*coordinates(size))

    def seen(self, x: Field, y: Field) -> tuple[Field, Field]:
        """Return points as seen from the piece."""
        x, y = (x - self.x) / self.scale, (y - self.y) / self.scale
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        return x * cosine + y * sine, y * cosine - x * sine
