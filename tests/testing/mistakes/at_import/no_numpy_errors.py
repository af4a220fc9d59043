"""Has NumPy divide by zero in silence."""

import numpy as np

from mistakes.metrics import Right

np.seterr(all="ignore")


class NoNumpyErrors(Right):
    """Has NumPy divide by zero in silence."""
