"""Parts of the synthetic assembly, each drawn around its own middle. Where they belong is the board's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from padimkit.datasets.synthetic.fields import Colour, Field, Picture, mix, soft
from padimkit.datasets.synthetic.pose import Pose

Layers: TypeAlias = Iterator[tuple[Field, Colour]]  # how far inside a shape each pixel is, and its colour

BLACK, TIN, BRIGHT = (0.10, 0.10, 0.11), (0.70, 0.71, 0.73), (0.85, 0.85, 0.87)
BANDS = ((0.35, 0.18, 0.08), (0.12, 0.12, 0.12), (0.75, 0.15, 0.10), (0.72, 0.58, 0.20))
LEGS = 8  # of a chip: four above, four below
REACH = 0.42  # no part is wider, from its middle


@dataclass(frozen=True)
class Part:
    """One part: its kind, its pose on the board, and for each leg the fraction that is there."""

    kind: str
    pose: Pose
    legs: tuple[float, ...] = (1.0,) * LEGS

    def draw_on(self, picture: Picture, board: Pose) -> None:
        """Draw the part and its shadow into the picture of a board that lies in this pose."""
        size = len(picture)
        x, y = board.place(size)
        near = np.flatnonzero(np.hypot(x - self.pose.x, y - self.pose.y) < REACH)
        rows, columns = np.unravel_index(near, x.shape)
        window = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        below = picture[window]
        shadow = Pose(self.pose.x + 0.015, self.pose.y + 0.02, self.pose.turn, self.pose.scale)
        for inwards, _ in KINDS[self.kind](*shadow.seen(x[window], y[window]), self):
            below = below * (1 - 0.35 * soft(inwards, width=0.05)[..., None])
        for inwards, colour in KINDS[self.kind](*self.pose.seen(x[window], y[window]), self):
            below = mix(below, colour, soft(inwards, width=3 / size))
        picture[window] = below


def _chip(x: Field, y: Field, part: Part) -> Layers:
    for number, length in enumerate(part.legs):
        side, place = (-1 if number < LEGS // 2 else 1), (number % 4 - 1.5) * 0.13
        tip = 0.17 + 0.11 * length
        yield np.minimum(0.028 - np.abs(x - place), np.minimum(side * y - 0.15, tip - side * y)), TIN
    body = np.minimum(0.30 - np.abs(x), 0.18 - np.abs(y))
    yield body, BLACK
    yield body - 0.015, (0.15, 0.15, 0.16)
    yield 0.05 - np.hypot(x + 0.30, y), (0.04, 0.04, 0.04)
    yield 0.022 - np.hypot(x + 0.21, y - 0.10), (0.45, 0.45, 0.45)


def _capacitor(x: Field, y: Field, part: Part) -> Layers:
    radius = np.hypot(x, y)
    yield 0.19 - radius, (0.16, 0.18, 0.30)
    yield 0.165 - radius, TIN
    yield np.minimum(0.165 - radius, -0.07 - x), BLACK  # the side of the minus pole
    yield np.minimum(0.012 - np.abs(x - 0.03), 0.09 - np.abs(y)), BRIGHT
    yield np.minimum(0.012 - np.abs(y), 0.09 - np.abs(x - 0.03)), BRIGHT


def _resistor(x: Field, y: Field, part: Part) -> Layers:
    yield np.minimum(0.33 - np.abs(x), 0.012 - np.abs(y)), TIN
    body = np.minimum(0.20 - np.abs(x), 0.065 - np.abs(y))
    yield body, (0.60, 0.50, 0.36)
    yield np.minimum(body, 0.02 - np.abs(y + 0.03)), (0.74, 0.66, 0.52)
    for number, colour in enumerate(BANDS):
        yield np.minimum(body, 0.018 - np.abs(x + 0.13 - 0.075 * number - 0.03 * (number == 3))), colour


def _screw(x: Field, y: Field, part: Part) -> Layers:
    radius = np.hypot(x, y)
    yield 0.10 - radius, (0.45, 0.45, 0.47)
    yield 0.085 - radius, TIN
    yield np.minimum(0.08 - radius, 0.014 - np.abs(y)), BLACK


KINDS: dict[str, Callable[[Field, Field, Part], Layers]] = {
    "capacitor": _capacitor,
    "chip": _chip,
    "resistor": _resistor,
    "screw": _screw,
}
