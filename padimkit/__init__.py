"""Unsupervised anomaly detection and localization in images, composed from plugins.

Importing this package imports no torch: each public name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from padimkit.backbones.filter_bank import FilterBank
    from padimkit.backbones.pixels import Pixels
    from padimkit.backbones.timm import Timm
    from padimkit.config.build import load_recipe
    from padimkit.datasets.folder import Folder
    from padimkit.datasets.mvtec import MVTec
    from padimkit.datasets.synthetic.dataset import Synthetic
    from padimkit.densities.gaussian import Gaussian
    from padimkit.evaluation import Evaluation, evaluate
    from padimkit.images.augmentation import Augmentation
    from padimkit.images.preprocessing import Preprocessing
    from padimkit.images.reader import Reader, Sample
    from padimkit.metrics.auroc import ImageAUROC, PixelAUROC
    from padimkit.metrics.pro import PRO
    from padimkit.moments.moments import Moments
    from padimkit.pipeline.anomaly_map import AnomalyMap
    from padimkit.pipeline.levels import Joint, Separate
    from padimkit.pipeline.pipeline import Pipeline
    from padimkit.reducers.identity import Identity
    from padimkit.reducers.pca import PCA
    from padimkit.reducers.random_channels import RandomChannels
    from padimkit.registry.recipes import recipes
    from padimkit.registry.registry import Registry
    from padimkit.storage import load, save
    from padimkit.values import Batch, Embedding, Features, Prediction, Scores, Stream

_MODULES = {
    "images.augmentation": ("Augmentation",),
    "backbones.filter_bank": ("FilterBank",),
    "backbones.pixels": ("Pixels",),
    "backbones.timm": ("Timm",),
    "config.build": ("load_recipe",),
    "registry.recipes": ("recipes",),
    "datasets.folder": ("Folder",),
    "datasets.mvtec": ("MVTec",),
    "datasets.synthetic.dataset": ("Synthetic",),
    "densities.gaussian": ("Gaussian",),
    "evaluation": ("Evaluation", "evaluate"),
    "images.preprocessing": ("Preprocessing",),
    "pipeline.levels": ("Joint", "Separate"),
    "pipeline.anomaly_map": ("AnomalyMap",),
    "metrics.auroc": ("ImageAUROC", "PixelAUROC"),
    "metrics.pro": ("PRO",),
    "moments.moments": ("Moments",),
    "pipeline.pipeline": ("Pipeline",),
    "images.reader": ("Reader", "Sample"),
    "reducers.identity": ("Identity",),
    "reducers.pca": ("PCA",),
    "reducers.random_channels": ("RandomChannels",),
    "registry.registry": ("Registry",),
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
    "Timm",
    "FilterBank",
    "Pixels",
    "Joint",
    "Separate",
    "Identity",
    "RandomChannels",
    "PCA",
    "Gaussian",
    "AnomalyMap",
    "ImageAUROC",
    "PixelAUROC",
    "PRO",
    "Folder",
    "MVTec",
    "Synthetic",
    "Reader",
    "Sample",
    "Preprocessing",
    "Augmentation",
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
