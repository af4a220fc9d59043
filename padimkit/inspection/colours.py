"""The colours of maps on pictures, from blue to red, as matplotlib's "jet" has them.

Written down here, since matplotlib makes folders in the user's home when it is imported, and takes a third
of a second.
"""

import numpy as np
from jaxtyping import Float, Float64, UInt8

_OPACITY = 0.5
_STEPS = 256
# For red, green and blue: shares of the scale, and how bright the colour is there.
_CORNERS = (
    ((0.0, 0.35, 0.66, 0.89, 1.0), (0.0, 0.0, 1.0, 1.0, 0.5)),
    ((0.0, 0.125, 0.375, 0.64, 0.91, 1.0), (0.0, 0.0, 1.0, 1.0, 0.0, 0.0)),
    ((0.0, 0.11, 0.34, 0.65, 1.0), (0.5, 1.0, 1.0, 0.0, 0.0)),
)


def table() -> Float64[np.ndarray, "256 3"]:
    """Return red, green and blue in [0, 1], at equal steps of the scale."""
    places = np.linspace(0, 1, _STEPS)
    return np.stack([np.interp(places, *corners) for corners in _CORNERS], axis=1)


def in_colours(
    pixels: UInt8[np.ndarray, "h w 3"], values: Float[np.ndarray, "h w"], *, low: float, high: float
) -> UInt8[np.ndarray, "h w 3"]:
    """Return the pixels mixed with the colours of the map's values, blue at `low` and red at `high`."""
    colours = np.rint(table() * 255)
    steps = np.rint((_STEPS - 1) * share_of(values, low=low, high=high)).astype(np.uint8)
    mixed = (1 - _OPACITY) * pixels + _OPACITY * colours[steps]
    return np.asarray(np.rint(mixed).astype(np.uint8))


def share_of(values: Float[np.ndarray, "*n"], *, low: float, high: float) -> Float[np.ndarray, "*n"]:
    """Return how far values are from `low` to `high`, from 0 to 1."""
    span = max(high - low, np.finfo(np.float64).tiny)  # maps that were all constant have a span of 0
    return np.asarray(np.clip((values.astype(np.float64) - low) / span, 0, 1))
