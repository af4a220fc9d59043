"""The regions of a mask: what touches, also at a corner."""

import numpy as np
from jaxtyping import Bool, Int
from scipy import ndimage

_EIGHT_NEIGHBOURS = np.ones((3, 3))  # as in MVTec's own evaluation


def region_numbers(mask: Bool[np.ndarray, "H W"]) -> tuple[Int[np.ndarray, " _"], int]:
    """Return the number of the region of each anomalous pixel, from 1, and how many regions there are."""
    labelled, count = ndimage.label(mask, structure=_EIGHT_NEIGHBOURS)
    return labelled[mask], count
