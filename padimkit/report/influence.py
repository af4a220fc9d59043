"""The influence of each test image on image AUROC, by which methods are compared (DeLong et al. 1988).

It stands apart because records hold scores, and other metrics tell their influence themselves.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


def auroc_influence(scores: Sequence[float], anomalous: Sequence[bool]) -> NDArray[np.float64]:
    """Return the derivative of the AUROC by the weight of each image.

    An anomalous image contributes the share of normal ones below it, a normal one that of anomalous ones
    above it (midranks of Sun and Xu 2014); both kinds are there.
    """
    values, kinds = np.asarray(scores, float), np.asarray(anomalous, bool)
    most, fewest = np.count_nonzero(kinds), np.count_nonzero(~kinds)
    everywhere, within = rankdata(values), np.empty(len(values))
    for kind in (kinds, ~kinds):
        within[kind] = rankdata(values[kind])
    wins = np.where(kinds, (everywhere - within) / fewest, 1 - (everywhere - within) / most)
    influence: NDArray[np.float64] = (wins - wins[kinds].mean()) / np.where(kinds, most, fewest)
    return influence
