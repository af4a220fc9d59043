"""The synthetic object, whole or with a defect. The piece itself, without defects, is `flange`."""

from dataclasses import replace

import numpy as np

from padimkit.datasets.synthetic.defects import scratch, speck, stain
from padimkit.datasets.synthetic.draws import Draws
from padimkit.datasets.synthetic.fields import mix, soft
from padimkit.datasets.synthetic.flange import HOLES, OUTER, Flange
from padimkit.datasets.synthetic.scene import Category, Drawing, Scene, comparison


def _normal(draws: Draws, scene: Scene) -> Drawing:
    whole = Flange.random(draws, scene)
    return Drawing(whole.draw(), ~scene.everywhere)


def _scratch(draws: Draws, scene: Scene) -> Drawing:
    whole = Flange.random(draws, scene)
    return scratch(
        draws,
        scene,
        whole.draw(),
        surface=whole.surface(),
        colours=(BRIGHT, DARK),
        width=scene.late(0.012, 0.005),
        strength=0.8,
    )


def _rust(draws: Draws, scene: Scene) -> Drawing:
    whole = Flange.random(draws, scene)
    return stain(draws, scene, whole.draw(), surface=whole.surface(), tint=(0.62, 0.38, 0.20), strength=0.7)


def _pit(draws: Draws, scene: Scene) -> Drawing:
    whole = Flange.random(draws, scene)
    return speck(
        draws,
        scene,
        whole.draw(),
        surface=whole.surface(),
        colours=(BRIGHT, DARK),
        strength=1.0,
    )


def _missing_hole(draws: Draws, scene: Scene) -> Drawing:
    whole = Flange.random(draws, scene)
    hole = draws.count(0, HOLES)
    other = replace(whole, drilled=tuple(at for at in whole.drilled if at != hole))
    return comparison(other.draw(), whole.draw())


def _misplaced_hole(draws: Draws, scene: Scene) -> Drawing:
    whole = Flange.random(draws, scene)
    hole = draws.count(0, HOLES)
    side = 1 if draws.number(0.0, 1.0) < 0.5 else -1
    off = side * draws.number(0.8, 1.2) * scene.late(0.45, 0.16)  # in steps from hole to hole
    other = replace(whole, drilled=tuple(at + off * (at == hole) for at in whole.drilled))
    return comparison(other.draw(), whole.draw())


def _chipped(draws: Draws, scene: Scene) -> Drawing:
    flange = Flange.random(draws, scene)
    angle, radius = draws.number(0.0, 2.0 * np.pi), draws.number(0.7, 1.2) * scene.late(0.12, 0.045)
    x, y = flange.pose.place(scene.size)
    from_chip = np.hypot(x - OUTER * np.cos(angle), y - OUTER * np.sin(angle))
    inside = radius * (1 + 0.25 * draws.clouds(scene.size, cells=24)) - from_chip
    whole = flange.draw()
    mask = flange.surface() & (inside > -0.3 * radius)
    broken = mix(whole * scene.between(0.62, 0.8), flange.draw_belt(), soft(inside, width=0.3 * radius))
    return Drawing(np.where(mask[..., None], broken, whole), mask)


BRIGHT, DARK = (0.95, 0.95, 0.95), (0.18, 0.18, 0.20)

OBJECT = Category(
    normal=_normal,
    defects={
        "chipped": _chipped,
        "misplaced_hole": _misplaced_hole,
        "missing_hole": _missing_hole,
        "pit": _pit,
        "rust": _rust,
        "scratch": _scratch,
    },
)
