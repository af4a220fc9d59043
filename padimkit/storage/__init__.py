"""The model folder of a fitted pipeline: manifest.json, config.yaml, state.safetensors; no pickle.

A model that is calibrated has calibration.json too, and training.csv tells which images it has learnt.
"""

from padimkit.storage.calibrations import (
    load_calibration,
    load_history,
    load_learnt,
    save_calibration,
    write_calibration,
)
from padimkit.storage.manifest import MANIFEST, is_model, load_manifest, model_digest
from padimkit.storage.model import computes_in, load, load_parts, require_whole, save, write_model

__all__ = [
    "computes_in",
    "MANIFEST",
    "is_model",
    "load",
    "load_calibration",
    "load_history",
    "load_learnt",
    "load_manifest",
    "load_parts",
    "model_digest",
    "require_whole",
    "save",
    "save_calibration",
    "write_calibration",
    "write_model",
]
