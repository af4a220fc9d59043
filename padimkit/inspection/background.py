"""The background of an anomaly map: its median where the model looks.

Apart from calibrations and inspectors, which must take it alike; some inspectors do without torch.
"""

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

if TYPE_CHECKING:
    from padimkit.pipeline.pipeline import Pipeline

Looked: TypeAlias = Bool[np.ndarray, "H W"] | None  # true where a mask lets the model look; None: everywhere


def looked_at(pipeline: "Pipeline") -> Looked:
    """Return where a fitted pipeline looks, as an array."""
    region = pipeline.region
    return None if region is None else region.cpu().numpy()


def background_of(anomaly_map: Float[np.ndarray, "H W"], looked: Looked) -> float:
    """Return the median of a map, without the zeros where the model does not look."""
    return float(np.median(anomaly_map if looked is None else anomaly_map[looked]))
