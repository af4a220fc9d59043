"""Made-up models to export, small and calibrated, and the results that they give.

They stand beside the other made-up inputs, one module for each kind of value.
"""

from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from padimkit.images.preprocessing import Preprocessing
from padimkit.inspection.calibrate import calibrate
from padimkit.inspection.exported.card import Card
from padimkit.pipeline.pipeline import Pipeline
from padimkit.registry.families import find_family
from padimkit.registry.registry import Registry
from padimkit.service.exporting.exporter import ExportSource, Results
from padimkit.service.exporting.judged import Judged
from padimkit.testing.answers import DataSet

_SIZE = (20, 28)  # not square
_IMAGES = 12


@dataclass(frozen=True)
class Model:
    """A model that is to be exported, images as its preprocessing leaves them, and its results for them."""

    source: ExportSource
    pixels: UInt8[np.ndarray, "b h w 3"]
    expected: Results


def model_of(data: DataSet) -> Model:
    """Return a small calibrated model, new at each call."""
    random = np.random.default_rng(1 if data == "first" else 2)
    drawn = [random.integers(0, 256, (*_SIZE, 3), dtype=np.uint8) for _ in range(_IMAGES)]
    parts = {"backbone": "pixels", "reducer": "identity", "density": "gaussian"}
    made: dict[str, Any] = {
        slot: Registry(find_family(slot).plural).load(name)() for slot, name in parts.items()
    }
    pipeline = Pipeline(**made, preprocessing=Preprocessing(_SIZE, None))
    pipeline.fit(drawn, progress=False)
    calibration = calibrate(pipeline, drawn, progress=False)
    card = Card(
        size=pipeline.size,
        framing=pipeline.fitted_preprocessing.framing,
        depth=None,
        region=None,
        calibration=calibration,
        digest=None,
        precision="float32",
        padimkit=version("padimkit"),
    )
    with torch.no_grad():
        graph = Judged(pipeline.graph(), calibration)
    pixels = random.integers(0, 256, (8, *_SIZE, 3), dtype=np.uint8)
    source = ExportSource(graph, card, lambda: [partial(np.copy, image) for image in drawn])
    return Model(source, pixels, results_of(graph, pixels))


def results_of(graph: Judged, pixels: UInt8[np.ndarray, "b h w 3"]) -> Results:
    """Return the scores and the maps that a graph gives."""
    with torch.no_grad():
        scores, maps, *_ = graph(torch.from_numpy(pixels))
    return scores.numpy(), maps.numpy()
