"""The values of drawings: a scene, what is drawn in it, and the categories."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from padimkit.datasets.synthetic.draws import Draws
from padimkit.datasets.synthetic.fields import Mask, Picture, blurred

VISIBLE = 1 / 255  # smaller changes of a value are lost in eight bits


@dataclass(frozen=True)
class Scene:
    """A square picture to draw: its side in pixels, and its difficulty from 0 to 1."""

    size: int
    difficulty: float

    @property
    def everywhere(self) -> Mask:
        """The surface of what fills the whole picture."""
        return np.ones((self.size, self.size), dtype=bool)

    def between(self, easy: float, hard: float) -> float:
        """Return `easy` at difficulty 0, `hard` at difficulty 1, and a value on the line between."""
        return easy + (hard - easy) * self.difficulty

    def late(self, easy: float, hard: float) -> float:
        """Return the same at difficulties 0 and 1, but a value closer to `easy` between."""
        return easy + (hard - easy) * self.difficulty**2


@dataclass(frozen=True)
class Drawing:
    """A picture in [0, 1] before the camera; `mask` is true where a defect has changed it."""

    picture: Picture
    mask: Mask


@dataclass(frozen=True)
class Category:
    """The functions that draw a category, without a defect and with each kind of defect.

    From the same random numbers they draw the same piece in the same pose.
    """

    normal: Callable[[Draws, Scene], Drawing]
    defects: dict[str, Callable[[Draws, Scene], Drawing]]


def comparison(picture: Picture, normal: Picture) -> Drawing:
    """Return the picture with a mask of all that is not as in the normal one, and of the gaps within."""
    changed = (np.abs(picture - normal) > VISIBLE).any(axis=2)
    return Drawing(picture, changed | (blurred(changed.astype(float), sigma=len(picture) / 128) > 0.5))
