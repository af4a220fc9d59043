"""Unsupervised anomaly detection and localization in images, composed from plugins.

Importing this package imports no torch: each public name is imported when it is first used.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from padimkit.arguments.checked import Checked
    from padimkit.arguments.stored_state import require_state
    from padimkit.backbones.filter_bank import FilterBank
    from padimkit.backbones.pixels import Pixels
    from padimkit.backbones.timm import Timm
    from padimkit.backbones.torch_module import TorchModule
    from padimkit.benchmark.tracker import TrackedRun, Tracker
    from padimkit.config.build import load_recipe
    from padimkit.contracts import (
        Backbone,
        CostModel,
        DataSource,
        DensityModel,
        Exportable,
        ExportableMapper,
        HasCurve,
        HasInfluence,
        ImageValues,
        Influence,
        LearnsAnomalies,
        LeaveOneOut,
        Levels,
        LinearReducer,
        Mapper,
        MemoryForecast,
        Mergeable,
        Metric,
        NamedValues,
        NeedsWeights,
        Prepares,
        PyramidDensity,
        PyramidLearner,
        PyramidReducer,
        Reducer,
        ReferenceValues,
        Stateful,
        TellsWeights,
        Updatable,
    )
    from padimkit.datasets.dagm import DAGM
    from padimkit.datasets.folder import Folder
    from padimkit.datasets.held_out import HeldOut
    from padimkit.datasets.kolektor_sdd import KolektorSDD
    from padimkit.datasets.kolektor_sdd2 import KolektorSDD2
    from padimkit.datasets.mvtec import MVTec
    from padimkit.datasets.mvtec_ad2 import MVTecAD2
    from padimkit.datasets.mvtec_loco import MVTecLOCO
    from padimkit.datasets.rd_mvtec import RdMVTec
    from padimkit.datasets.real_iad import RealIAD
    from padimkit.datasets.shanghaitech.dataset import ShanghaiTech
    from padimkit.datasets.synthetic.dataset import Synthetic
    from padimkit.datasets.table import Table
    from padimkit.densities.gaussian import Gaussian
    from padimkit.densities.spade import Spade
    from padimkit.errors import (
        BadArgument,
        BadConfig,
        BadData,
        BadFeatures,
        BadImage,
        BadModel,
        BadOutput,
        BadScores,
        BadShape,
        BadWeights,
        BrokenPlugin,
        CannotExport,
        CannotMerge,
        NotCalibrated,
        NotFitted,
        OverBudget,
        PadimkitError,
        UndefinedMetric,
        UnknownPlugin,
    )
    from padimkit.evaluation import Evaluation, evaluate
    from padimkit.images.augmentation import Augmentation
    from padimkit.images.geometry import Geometry
    from padimkit.images.perspective import Perspective
    from padimkit.images.preprocessing import Preprocessing
    from padimkit.images.preprocessor import Preprocessor
    from padimkit.images.reader import Reader
    from padimkit.images.resizing import LongSide, Scale, ShortSide
    from padimkit.images.sample import Sample
    from padimkit.images.tiles import Axis, Tiles
    from padimkit.inspection.calibrate import calibrate, calibrate_held_out
    from padimkit.inspection.calibration import Calibration, MapStatistics
    from padimkit.inspection.inspection import Inspection
    from padimkit.inspection.learnt import LearntImage
    from padimkit.inspection.regions import Region
    from padimkit.inspection.verdict import Verdict
    from padimkit.memory.cache import cached
    from padimkit.metrics.aupimo import AUPIMO
    from padimkit.metrics.auroc import ImageAUROC, PixelAUROC
    from padimkit.metrics.operating_point import ImageSensitivity, PixelIoU, PixelSensitivity
    from padimkit.metrics.precision import (
        ImageAveragePrecision,
        ImageF1Max,
        PixelAveragePrecision,
        PixelF1Max,
    )
    from padimkit.metrics.pro import PRO
    from padimkit.metrics.spro import SPRO
    from padimkit.metrics.torchmetrics import TorchMetric
    from padimkit.moments.moments import Moments
    from padimkit.pipeline.anomaly_map import AnomalyMap
    from padimkit.pipeline.levels import Joint, Separate
    from padimkit.pipeline.mapping import map_of_tiles, prediction_of
    from padimkit.pipeline.pipeline import Pipeline
    from padimkit.reducers.identity import Identity
    from padimkit.reducers.pca import PCA
    from padimkit.reducers.pca_per_position import PCAPerPosition
    from padimkit.reducers.random_channels import RandomChannels
    from padimkit.reducers.scikit_learn import ScikitLearn
    from padimkit.registry.recipes import recipes
    from padimkit.registry.registry import Registry
    from padimkit.report.frame import image_scores, records
    from padimkit.report.section import ReportSection
    from padimkit.report.worst_images import WorstImages
    from padimkit.service.exporting.export import Exported, export
    from padimkit.service.exporting.exporter import Exporter
    from padimkit.service.exporting.formats import Onnx, OpenVino, TorchScript
    from padimkit.service.inspector import Inspector
    from padimkit.storage import load, load_calibration, load_learnt, save, save_calibration
    from padimkit.values import (
        Anomalies,
        Batch,
        Costs,
        Defect,
        Embedding,
        Features,
        ImagePrediction,
        Prediction,
        Problem,
        Pyramid,
        Scores,
        Stream,
        Work,
    )

__all__ = [
    "Pipeline",
    "load_recipe",
    "recipes",
    "evaluate",
    "Evaluation",
    "save",
    "load",
    "calibrate",
    "calibrate_held_out",
    "Calibration",
    "Verdict",
    "MapStatistics",
    "LearntImage",
    "Inspector",
    "export",
    "Exported",
    "records",
    "image_scores",
    "Inspection",
    "Region",
    "save_calibration",
    "load_calibration",
    "load_learnt",
    "Timm",
    "TorchModule",
    "FilterBank",
    "Pixels",
    "Joint",
    "Separate",
    "Identity",
    "RandomChannels",
    "PCA",
    "PCAPerPosition",
    "ScikitLearn",
    "Gaussian",
    "Spade",
    "AnomalyMap",
    "ImageAUROC",
    "PixelAUROC",
    "PRO",
    "SPRO",
    "AUPIMO",
    "WorstImages",
    "ImageAveragePrecision",
    "PixelAveragePrecision",
    "ImageF1Max",
    "PixelF1Max",
    "ImageSensitivity",
    "PixelSensitivity",
    "PixelIoU",
    "TorchMetric",
    "Folder",
    "HeldOut",
    "MVTec",
    "MVTecLOCO",
    "MVTecAD2",
    "KolektorSDD",
    "KolektorSDD2",
    "DAGM",
    "RealIAD",
    "RdMVTec",
    "ShanghaiTech",
    "Synthetic",
    "Table",
    "Reader",
    "Sample",
    "Preprocessing",
    "Perspective",
    "ShortSide",
    "LongSide",
    "Scale",
    "Tiles",
    "Axis",
    "Geometry",
    "Augmentation",
    "Moments",
    "Registry",
    "Batch",
    "Defect",
    "Features",
    "Embedding",
    "Anomalies",
    "Pyramid",
    "Scores",
    "Prediction",
    "ImagePrediction",
    "Stream",
    "cached",
    "Problem",
    "Costs",
    "Work",
    "Checked",
    "Backbone",
    "Reducer",
    "DensityModel",
    "Metric",
    "DataSource",
    "Levels",
    "Preprocessor",
    "Mapper",
    "ReportSection",
    "Exporter",
    "Onnx",
    "OpenVino",
    "TorchScript",
    "map_of_tiles",
    "prediction_of",
    "Updatable",
    "Mergeable",
    "LearnsAnomalies",
    "Stateful",
    "LinearReducer",
    "PyramidReducer",
    "PyramidLearner",
    "PyramidDensity",
    "LeaveOneOut",
    "Prepares",
    "MemoryForecast",
    "require_state",
    "NeedsWeights",
    "TellsWeights",
    "ReferenceValues",
    "NamedValues",
    "ImageValues",
    "HasCurve",
    "HasInfluence",
    "Influence",
    "CostModel",
    "Tracker",
    "TrackedRun",
    "Exportable",
    "ExportableMapper",
    "PadimkitError",
    "BadArgument",
    "BadConfig",
    "BadData",
    "BadFeatures",
    "BadImage",
    "BadModel",
    "BadOutput",
    "BadScores",
    "BadShape",
    "BadWeights",
    "BrokenPlugin",
    "CannotExport",
    "CannotMerge",
    "NotCalibrated",
    "NotFitted",
    "OverBudget",
    "UndefinedMetric",
    "UnknownPlugin",
    "__version__",
]

# By module, the public names that it defines.
_MODULES = {
    "pipeline.pipeline": "Pipeline",
    "config.build": "load_recipe",
    "registry.recipes": "recipes",
    "evaluation": "evaluate Evaluation",
    "storage": "save load save_calibration load_calibration load_learnt",
    "inspection.calibrate": "calibrate calibrate_held_out",
    "inspection.calibration": "Calibration MapStatistics",
    "inspection.verdict": "Verdict",
    "inspection.learnt": "LearntImage",
    "inspection.inspection": "Inspection",
    "inspection.regions": "Region",
    "service.inspector": "Inspector",
    "report.frame": "records image_scores",
    "report.section": "ReportSection",
    "report.worst_images": "WorstImages",
    "benchmark.tracker": "Tracker TrackedRun",
    "service.exporting.export": "export Exported",
    "service.exporting.exporter": "Exporter",
    "service.exporting.formats": "Onnx OpenVino TorchScript",
    "backbones.timm": "Timm",
    "backbones.torch_module": "TorchModule",
    "backbones.filter_bank": "FilterBank",
    "backbones.pixels": "Pixels",
    "pipeline.levels": "Joint Separate",
    "reducers.identity": "Identity",
    "reducers.random_channels": "RandomChannels",
    "reducers.pca": "PCA",
    "reducers.pca_per_position": "PCAPerPosition",
    "reducers.scikit_learn": "ScikitLearn",
    "densities.gaussian": "Gaussian",
    "densities.spade": "Spade",
    "pipeline.anomaly_map": "AnomalyMap",
    "pipeline.mapping": "map_of_tiles prediction_of",
    "memory.cache": "cached",
    "metrics.auroc": "ImageAUROC PixelAUROC",
    "metrics.pro": "PRO",
    "metrics.spro": "SPRO",
    "metrics.aupimo": "AUPIMO",
    "metrics.precision": "ImageAveragePrecision PixelAveragePrecision ImageF1Max PixelF1Max",
    "metrics.operating_point": "ImageSensitivity PixelSensitivity PixelIoU",
    "metrics.torchmetrics": "TorchMetric",
    "datasets.folder": "Folder",
    "datasets.held_out": "HeldOut",
    "datasets.dagm": "DAGM",
    "datasets.kolektor_sdd": "KolektorSDD",
    "datasets.kolektor_sdd2": "KolektorSDD2",
    "datasets.mvtec_ad2": "MVTecAD2",
    "datasets.real_iad": "RealIAD",
    "datasets.mvtec": "MVTec",
    "datasets.mvtec_loco": "MVTecLOCO",
    "datasets.rd_mvtec": "RdMVTec",
    "datasets.shanghaitech.dataset": "ShanghaiTech",
    "datasets.synthetic.dataset": "Synthetic",
    "datasets.table": "Table",
    "images.reader": "Reader",
    "images.sample": "Sample",
    "images.preprocessing": "Preprocessing",
    "images.preprocessor": "Preprocessor",
    "images.perspective": "Perspective",
    "images.resizing": "ShortSide LongSide Scale",
    "images.geometry": "Geometry",
    "images.tiles": "Tiles Axis",
    "images.augmentation": "Augmentation",
    "moments.moments": "Moments",
    "arguments.checked": "Checked",
    "arguments.stored_state": "require_state",
    "registry.registry": "Registry",
    "values": (
        "Anomalies Batch Defect Features Embedding Pyramid Scores Prediction ImagePrediction Stream "
        "Problem Costs Work"
    ),
    "contracts": (
        "Backbone Reducer DensityModel Metric DataSource Levels Mapper Updatable Mergeable Stateful "
        "LinearReducer PyramidReducer PyramidLearner PyramidDensity LeaveOneOut MemoryForecast NeedsWeights "
        "ReferenceValues HasCurve HasInfluence Influence Prepares CostModel TellsWeights Exportable "
        "ExportableMapper NamedValues ImageValues LearnsAnomalies"
    ),
    "errors": (
        "PadimkitError BadArgument BadConfig BadData BadFeatures BadImage BadModel BadOutput "
        "BadScores BadShape BadWeights BrokenPlugin CannotExport CannotMerge NotCalibrated NotFitted "
        "OverBudget UndefinedMetric UnknownPlugin"
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("padimkit")
    if name not in _HOMES:
        raise AttributeError(f"module 'padimkit' has no attribute {name!r}")
    return getattr(import_module(f"padimkit.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
