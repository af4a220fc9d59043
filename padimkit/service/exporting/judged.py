"""The graph of a pipeline with what its calibration makes of scores: p-values and verdicts.

Apart from the calibration, which compares numbers of double precision, and from the graph, which knows none.
"""

from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from padimkit.inspection.calibration import Calibration
from padimkit.pipeline.graph import Graph

OUTPUTS = ("score", "map", "p_value", "verdict")
VERDICTS = ("OK", "REVIEW", "NG")  # by the number that a graph gives


@final
class Judged(nn.Module):
    """A graph that gives a score, a map, a p-value and the number of a verdict for each image.

    Args:
        graph: The graph of a pipeline.
        calibration: Its calibration; without one, it gives scores and maps only.
    """

    def __init__(self, graph: Graph, calibration: Calibration | None) -> None:
        super().__init__()
        self.scoring = graph  # not "graph", a name that torch.export needs for itself
        self.example = graph.example
        self.outputs = OUTPUTS if calibration else OUTPUTS[:2]
        self._known: Tensor | None = None
        if calibration:
            # A score in single precision exceeds a number in double precision exactly if it exceeds the
            # largest number in single precision that is not above it.
            self._known = _single(calibration.scores)
            self._limits = _single((calibration.review_threshold, calibration.threshold))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return the values of `outputs`, in this order."""
        scores, maps = self.scoring(pixels)
        if self._known is None:
            return scores, maps
        as_anomalous = (self._known[None] >= scores[:, None]).to(torch.int64).sum(1)
        p_values = (as_anomalous + 1).float() / (self._known.shape[0] + 1)
        verdicts = (scores[:, None] > self._limits[None]).to(torch.int64).sum(1)
        return scores, maps, p_values, verdicts


def _single(numbers: tuple[float, ...]) -> Tensor:
    """Return the largest numbers of single precision that are not above these."""
    exact = np.array(numbers, dtype=np.float64)
    single = exact.astype(np.float32)
    return torch.from_numpy(np.where(single > exact, np.nextafter(single, np.float32(-np.inf)), single))
