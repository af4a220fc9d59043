"""The camera: focus, sensor noise, and eight bits. It knows no piece, and the data set no pixels."""

import numpy as np
from jaxtyping import UInt8

from padimkit.datasets.synthetic.draws import Draws
from padimkit.datasets.synthetic.fields import Picture, blurred
from padimkit.datasets.synthetic.lighting import Lighting
from padimkit.datasets.synthetic.scene import Scene


def photograph(picture: Picture, draws: Draws, scene: Scene) -> UInt8[np.ndarray, "size size 3"]:
    """Return the picture in uneven light, through a camera that is not quite in focus and has noise.

    The noise of light grows with its root; that of reading the sensor does not depend on it.
    """
    lit = Lighting.random(draws, scene).fall_on(picture)
    focus = draws.number(0.25, scene.between(0.35, 1.2)) * len(picture) / 256
    seen = np.clip(blurred(lit, sigma=focus), 0, 1)
    of_light, of_reading = scene.between(0.008, 0.045), scene.between(0.006, 0.02)
    noise = np.sqrt(of_light**2 * seen + of_reading**2) * draws.normal(*picture.shape)
    # Rounding hides the last bits of sines and roots, in which machines differ.
    return np.asarray(np.rint(255 * np.clip(seen + noise, 0, 1)), dtype=np.uint8)
