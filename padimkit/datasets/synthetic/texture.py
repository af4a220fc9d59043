"""The synthetic texture, a fabric, whole or with a defect."""

from dataclasses import dataclass

import numpy as np

from padimkit.datasets.synthetic.defects import scratch, speck, spot, stain
from padimkit.datasets.synthetic.draws import Draws
from padimkit.datasets.synthetic.fields import Field, Mask, Picture, blurred, coordinates, soft
from padimkit.datasets.synthetic.pose import Pose
from padimkit.datasets.synthetic.scene import Category, Drawing, Scene


def _normal(draws: Draws, scene: Scene) -> Drawing:
    fabric = Fabric.random(draws, scene)
    return Drawing(fabric.draw(*fabric.threads()), ~scene.everywhere)


def _cut(draws: Draws, scene: Scene) -> Drawing:
    picture = _normal(draws, scene).picture
    return scratch(
        draws,
        scene,
        picture,
        surface=scene.everywhere,
        colours=((0.04, 0.04, 0.05),),
        width=scene.late(0.02, 0.008),
        strength=1.0,
    )


def _stain(draws: Draws, scene: Scene) -> Drawing:
    picture = _normal(draws, scene).picture
    return stain(draws, scene, picture, surface=scene.everywhere, tint=(0.50, 0.36, 0.20), strength=0.9)


def _fleck(draws: Draws, scene: Scene) -> Drawing:
    picture = _normal(draws, scene).picture
    colours = ((0.75, 0.16, 0.12), (0.12, 0.12, 0.14))
    return speck(draws, scene, picture, surface=scene.everywhere, colours=colours, strength=1.0)


def _missing_thread(draws: Draws, scene: Scene) -> Drawing:
    fabric = Fabric.random(draws, scene)
    u, v = fabric.threads()
    x, y = spot(draws, scene.everywhere)
    at = int((y + 1) / 2 * scene.size), int((x + 1) / 2 * scene.size)
    row, column = int(v[at]), u[at]
    length = draws.number(0.7, 1.3) * scene.late(12.0, 4.0)
    missing = (v.astype(int) == row) & (np.abs(u - column) < length / 2)
    return Drawing(fabric.draw(u, v, missing), missing)


def _distortion(draws: Draws, scene: Scene) -> Drawing:
    fabric = Fabric.random(draws, scene)
    u, v = fabric.threads()
    x, y = coordinates(scene.size)
    centre_x, centre_y = spot(draws, scene.everywhere)
    radius = draws.number(0.8, 1.2) * scene.late(0.26, 0.14)
    pull, direction = draws.number(0.8, 1.2) * scene.between(1.4, 0.9), draws.number(0.0, 2.0 * np.pi)
    weight = soft(1 - np.hypot(x - centre_x, y - centre_y) / radius, width=1.0)
    shift = np.where(pull * weight > 0.1, pull * weight, 0)  # in threads; less is not visible
    u, v = u + shift * np.cos(direction), v + shift * np.sin(direction)
    return Drawing(fabric.draw(u, v), shift > 0)


TEXTURE = Category(
    normal=_normal,
    defects={
        "cut": _cut,
        "distortion": _distortion,
        "fleck": _fleck,
        "missing_thread": _missing_thread,
        "stain": _stain,
    },
)

THREADS = 34  # along a side
WARP = np.array((0.86, 0.83, 0.76))  # undyed, runs from top to bottom
WEFT = np.array((0.36, 0.50, 0.62))  # blue, runs from left to right


@dataclass(frozen=True)
class Fabric:
    """One piece of plain weave, a little turned and shifted; `seed` fixes its threads."""

    scene: Scene
    seed: int
    pose: Pose
    shift: tuple[float, float]

    @classmethod
    def random(cls, draws: Draws, scene: Scene) -> "Fabric":
        pose = Pose.random(draws, scene)
        return cls(scene, draws.seed(), pose, (draws.number(0.0, 1.0), draws.number(0.0, 1.0)))

    def threads(self) -> tuple[Field, Field]:
        """Return each pixel's position in threads: of the warp from the left, of the weft from the top."""
        x, y = self.pose.place(self.scene.size)
        draws = Draws(self.seed)
        sway = self.scene.between(0.15, 0.25)
        u = (x + 2) * THREADS / 2 + self.shift[0] + sway * draws.clouds(self.scene.size, cells=6)
        v = (y + 2) * THREADS / 2 + self.shift[1] + sway * draws.clouds(self.scene.size, cells=6)
        return u, v

    def draw(self, u: Field, v: Field, missing: Mask | None = None) -> Picture:
        """Draw the weave at these thread coordinates, without the weft where `missing` is true."""
        draws = Draws(self.seed, 1)
        tones = draws.normal(3 * THREADS, 2) * np.array((0.05, 0.04)) * self.scene.between(0.8, 1.6)
        widths = 0.47 + 0.02 * self.scene.between(1.0, 1.5) * draws.normal(3 * THREADS, 2)
        i, j = u.astype(int), v.astype(int)
        p, q = u - i - 0.5, v - j - 0.5
        over = np.where((i + j) % 2, 1.0, -1.0)
        warp = _round(p / widths[i, 0])
        weft = _round(q / widths[j, 1])
        weft = weft if missing is None else np.where(missing, 0, weft)
        warp_height = over * np.cos(np.pi * q)
        weft_height = -over * np.cos(np.pi * p)
        on_top = (warp > 0) & ((warp_height >= weft_height) | (weft == 0))
        warp_light = warp * (0.80 + 0.20 * warp_height) * (1 + tones[i, 0]) * _twist(3.0 * v + 1.2 * p)
        weft_light = weft * (0.80 + 0.20 * weft_height) * (1 + tones[j, 1]) * _twist(3.0 * u - 1.2 * q)
        light = np.where(on_top, warp_light, weft_light) * self._dye(draws)
        return np.asarray(0.06 + 0.94 * light[..., None] * np.where(on_top[..., None], WARP, WEFT))

    def _dye(self, draws: Draws) -> Field:
        size = self.scene.size
        fibres = 0.16 * blurred(draws.normal(size, size), sigma=0.7)
        return 1 + fibres + self.scene.between(0.01, 0.10) * draws.mottle(size, finest=27)


def _round(across: Field) -> Field:
    """Return the brightness of a round thread across its width, from -1 to 1, and 0 beside it."""
    return np.where(np.abs(across) < 1, 0.35 + 0.65 * np.sqrt(np.maximum(1 - across**2, 0)), 0)


def _twist(turns: Field) -> Field:
    return 1 + 0.06 * np.sin(2 * np.pi * turns)
