"""Unsupervised anomaly detection and localization in images, composed from plugins.

Importing this package imports no torch: each public name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from padimkit.config import load_recipe, recipes
    from padimkit.evaluation import Evaluation, evaluate
    from padimkit.images import Preprocessing
    from padimkit.levels import Joint, Separate
    from padimkit.maps import AnomalyMap
    from padimkit.moments import Moments
    from padimkit.pipeline import Pipeline
    from padimkit.reader import Reader, Sample
    from padimkit.registry import Registry
    from padimkit.storage import load, save
    from padimkit.values import Batch, Embedding, Features, Prediction, Scores, Stream

_MODULES = {
    "config": ("load_recipe", "recipes"),
    "evaluation": ("Evaluation", "evaluate"),
    "images": ("Preprocessing",),
    "levels": ("Joint", "Separate"),
    "maps": ("AnomalyMap",),
    "moments": ("Moments",),
    "pipeline": ("Pipeline",),
    "reader": ("Reader", "Sample"),
    "registry": ("Registry",),
    "storage": ("load", "save"),
    "values": ("Batch", "Embedding", "Features", "Prediction", "Scores", "Stream"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Pipeline",
    "load_recipe",
    "recipes",
    "evaluate",
    "Evaluation",
    "save",
    "load",
    "Reader",
    "Sample",
    "Preprocessing",
    "Joint",
    "Separate",
    "AnomalyMap",
    "Moments",
    "Registry",
    "Batch",
    "Features",
    "Embedding",
    "Scores",
    "Prediction",
    "Stream",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'padimkit' has no attribute {name!r}")
    return getattr(import_module(f"padimkit.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
