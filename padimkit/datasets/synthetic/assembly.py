"""The synthetic assembly, a board with parts, complete or with a defect."""

from dataclasses import dataclass, replace

import numpy as np

from padimkit.datasets.synthetic.defects import scratch, speck
from padimkit.datasets.synthetic.draws import Draws
from padimkit.datasets.synthetic.fields import Picture, blurred, mix, soft
from padimkit.datasets.synthetic.parts import LEGS, Part
from padimkit.datasets.synthetic.pose import Pose
from padimkit.datasets.synthetic.scene import Category, Drawing, Scene, comparison


def _normal(draws: Draws, scene: Scene) -> Drawing:
    return Drawing(Board.random(draws, scene).draw(), ~scene.everywhere)


def _missing(draws: Draws, scene: Scene) -> Drawing:
    board = Board.random(draws, scene)
    return _changed(board, draws.count(0, len(PLACES)), None)


def _misplaced(draws: Draws, scene: Scene) -> Drawing:
    board = Board.random(draws, scene)
    number = draws.count(0, len(PLACES))
    part, direction = board.parts[number], draws.number(0.0, 2.0 * np.pi)
    far = draws.number(0.8, 1.2) * scene.late(0.25, 0.10)
    turn = part.pose.turn + draws.number(-1.0, 1.0) * scene.between(0.6, 0.2)
    x, y = part.pose.x + far * np.cos(direction), part.pose.y + far * np.sin(direction)
    return _changed(board, number, replace(part, pose=replace(part.pose, x=x, y=y, turn=turn)))


def _reversed(draws: Draws, scene: Scene) -> Drawing:
    board = Board.random(draws, scene)
    number = POLAR[draws.count(0, len(POLAR))]
    part = board.parts[number]
    return _changed(board, number, replace(part, pose=replace(part.pose, turn=part.pose.turn + np.pi)))


def _cut_leg(draws: Draws, scene: Scene) -> Drawing:
    board = Board.random(draws, scene)
    leg, left = draws.count(0, LEGS), draws.number(0.8, 1.0) * scene.late(0.0, 0.6)
    chip = board.parts[CHIP]
    legs = tuple(left if number == leg else length for number, length in enumerate(chip.legs))
    return _changed(board, CHIP, replace(chip, legs=legs))


def _scratch(draws: Draws, scene: Scene) -> Drawing:
    picture = _normal(draws, scene).picture
    return scratch(
        draws,
        scene,
        picture,
        surface=scene.everywhere,
        colours=((0.80, 0.75, 0.60), (0.10, 0.10, 0.08)),
        width=scene.late(0.012, 0.005),
        strength=0.9,
    )


def _debris(draws: Draws, scene: Scene) -> Drawing:
    picture = _normal(draws, scene).picture
    colours = ((0.85, 0.85, 0.87), (0.10, 0.07, 0.05))
    return speck(draws, scene, picture, surface=scene.everywhere, colours=colours, strength=1.0)


def _changed(board: "Board", number: int, part: Part | None) -> Drawing:
    """Draw the board with another part, or none, in this place; the mask is all that is not as it was."""
    parts = [part if at == number else other for at, other in enumerate(board.parts)]
    other = replace(board, parts=tuple(one for one in parts if one is not None))
    return comparison(other.draw(), board.draw())


ASSEMBLY = Category(
    normal=_normal,
    defects={
        "cut_leg": _cut_leg,
        "debris": _debris,
        "misplaced": _misplaced,
        "missing": _missing,
        "reversed": _reversed,
        "scratch": _scratch,
    },
)

PLACES = (
    ("chip", -0.22, -0.28),
    ("capacitor", 0.48, -0.26),
    ("capacitor", -0.48, 0.36),
    ("resistor", 0.22, 0.28),
    ("resistor", 0.22, 0.52),
    ("screw", 0.68, 0.68),
    ("screw", -0.68, -0.68),
)
CHIP, POLAR = 0, (0, 1, 2)  # where the chip is, and all the parts that have a right way round
PITCH = 0.16  # from pad to pad
GREEN, COPPER = (0.13, 0.34, 0.22), (0.62, 0.45, 0.28)


@dataclass(frozen=True)
class Board:
    """One board with its parts; `seed` fixes its surface."""

    scene: Scene
    seed: int
    pose: Pose
    parts: tuple[Part, ...]

    @classmethod
    def random(cls, draws: Draws, scene: Scene) -> "Board":
        """Draw a board in which each part lies where it belongs, within what is tolerated."""
        pose, seed = Pose.random(draws, scene), draws.seed()
        loose, turn = scene.between(0.005, 0.03), scene.between(0.01, 0.08)
        parts = []
        for kind, x, y in PLACES:
            x, y = x + draws.number(-loose, loose), y + draws.number(-loose, loose)
            most = np.pi if kind == "screw" else turn  # a screw may end anywhere
            parts.append(Part(kind, Pose(x, y, draws.number(-most, most))))
        return cls(scene, seed, pose, tuple(parts))

    def draw(self) -> Picture:
        """Draw the board and everything on it."""
        picture = self._bare()
        for part in self.parts:
            part.draw_on(picture, self.pose)
        return picture

    def _bare(self) -> Picture:
        size, draws = self.scene.size, Draws(self.seed)
        x, y = self.pose.place(size)
        grain = 0.06 * blurred(draws.normal(size, size), sigma=0.7)
        grain += self.scene.between(0.01, 0.08) * draws.mottle(size, finest=54)
        from_pad = np.hypot(*(t / PITCH - np.floor(t / PITCH) - 0.5 for t in (x, y))) * PITCH
        picture = mix(np.broadcast_to(GREEN, (size, size, 3)), COPPER, soft(0.042 - from_pad, width=3 / size))
        picture = mix(picture, (0.05, 0.06, 0.06), soft(0.018 - from_pad, width=3 / size))
        return np.asarray(picture * (1 + grain[..., None]))
