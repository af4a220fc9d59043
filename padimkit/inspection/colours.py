"""The colours of maps, from blue to red, as matplotlib's "jet" has them.

Written down here, since matplotlib makes folders in the user's home when it is imported, and takes a third
of a second.
"""

import numpy as np
from jaxtyping import Float64

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


def coloured(shares: Float64[np.ndarray, "H W"]) -> Float64[np.ndarray, "H W 3"]:
    """Return red, green and blue in [0, 1] of shares of the scale in [0, 1]."""
    steps = np.minimum(shares * _STEPS, _STEPS - 1).astype(np.intp)
    return np.asarray(table()[steps])
