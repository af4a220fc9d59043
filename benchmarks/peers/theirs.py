"""The part of anomalib in each task, through its own classes; it runs in anomalib's environment."""

import logging
import tempfile
import time
import warnings
from pathlib import Path

import torch
from anomalib.data import Folder
from anomalib.engine import Engine
from anomalib.metrics import AUPRO, AUROC, Evaluator
from anomalib.metrics.aupro import _AUPRO
from anomalib.models import Padim
from anomalib.models.image.padim.torch_model import PadimModel
from anomalib.pre_processing import PreProcessor
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score
from torchmetrics.classification import BinaryAUROC
from torchvision.transforms.v2 import CenterCrop, Compose, InterpolationMode, Normalize, Resize

from benchmarks.inputs.embeddings import TESTED, Batches, EmbeddingFile
from benchmarks.inputs.maps import MapFile, batches
from benchmarks.inputs.reference import deviations
from benchmarks.measure import measured, typical_seconds

BATCH = 8
EPS = 0.01 + 1e-5  # anomalib adds to the diagonal 0.01, and once more 0.00001
LAYERS = ["layer1", "layer2", "layer3"]

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)


def gaussian(**arguments: int | str) -> dict[str, float]:
    """Measure fit, score, size on disk and deviations of its Gaussians, without a backbone."""
    file = EmbeddingFile(**arguments)  # type: ignore[arg-type]
    read = Batches(file, BATCH)
    tested = file.tested(TESTED)
    first = tested[:1].clone()
    model = PadimModel("resnet18", LAYERS, pre_trained=False, n_features=100)
    with measured() as fit:
        model.memory_bank.extend(read)  # as in training; only `fit` looks at it
        model.fit()
    statistics = [model.gaussian.mean, model.gaussian.inv_covariance]
    distance = model.anomaly_map_generator.compute_distance
    return {
        "fit_seconds": fit.seconds - read.seconds,
        "fit_bytes": fit.peak_bytes,
        "fit_above_bytes": fit.peak_bytes - file.bytes,
        "score_1_seconds": typical_seconds(lambda: distance(first, statistics)),
        "score_8_seconds": typical_seconds(lambda: distance(tested, statistics)),
        "disk_bytes": _stored(model.gaussian.state_dict()),
        **deviations(file, distance(tested, statistics), eps=EPS),
    }


def metric(*, name: str, **arguments: int | str) -> dict[str, float]:
    """Measure one metric over a test set of maps and masks: its AUPRO, or the AUROC of torchmetrics."""
    maps, masks = MapFile(**arguments).read()  # type: ignore[arg-type]
    made = {"pro": _AUPRO, "pixel_auroc": BinaryAUROC}[name]()
    with measured() as taken:
        for scores, truth in batches(maps, masks):
            made.update(*((scores, truth) if name == "pro" else (scores.flatten(), truth.flatten())))
        value = float(made.compute())
    return {"seconds": taken.seconds, "bytes": taken.peak_bytes, "value": value}


def scikit_learn(**arguments: int | str) -> dict[str, float]:
    """Measure pixel AUROC by scikit-learn."""
    maps, masks = MapFile(**arguments).read()  # type: ignore[arg-type]
    with measured() as taken:
        value = float(roc_auc_score(masks.numpy().ravel(), maps.numpy().ravel()))
    return {"seconds": taken.seconds, "bytes": taken.peak_bytes, "value": value}


def job(*, category: str, weights: str, channels: list[int]) -> dict[str, float]:
    """Measure PaDiM over ResNet18 with 100 channels, from image files to metrics.

    Preprocessing, weights, channels and metrics are the same as ours. It keeps its batches of 32, has two
    workers, and skips the pass over a validation set, which would be the test set once more.
    """
    model = Padim(
        layers=LAYERS,
        pre_trained=False,
        n_features=len(channels),
        pre_processor=PreProcessor(_transform()),
        evaluator=Evaluator(test_metrics=_metrics()),
        visualizer=False,
    )
    extractor = model.model.feature_extractor
    left = extractor.feature_extractor.load_state_dict(load_file(weights), strict=False).missing_keys
    assert not [name for name in left if not name.endswith("num_batches_tracked")], left
    model.model.idx = torch.tensor(channels)
    data = _folder(Path(category))
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(
            default_root_dir=folder,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            limit_val_batches=0,
        )
        with measured() as whole:
            start = time.perf_counter()
            engine.fit(model, datamodule=data)
            fit = time.perf_counter() - start
            (found,) = engine.test(model, datamodule=data, verbose=False)
    values = {
        "image_auroc": found["image_AUROC"],
        "pixel_auroc": found["pixel_AUROC"],
        "pro": found["pixel_AUPRO"],
    }
    return {"seconds": whole.seconds, "fit_seconds": fit, "bytes": whole.peak_bytes, **values}


def _folder(category: Path, validated: str = "none") -> Folder:
    """Return a category in the layout of MVTec AD; its own class for that data set refuses JPEG files."""
    defects = sorted(path.name for path in (category / "ground_truth").iterdir())
    return Folder(
        name=category.name,
        normal_dir=category / "train" / "good",
        normal_test_dir=category / "test" / "good",
        abnormal_dir=[category / "test" / defect for defect in defects],
        mask_dir=[category / "ground_truth" / defect for defect in defects],
        num_workers=2,
        val_split_mode=validated,
    )


def _transform() -> Compose:
    return Compose(
        [
            Resize((256, 256), interpolation=InterpolationMode.BICUBIC, antialias=True),
            CenterCrop(224),
            Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )


def _metrics() -> list[AUROC | AUPRO]:
    return [
        AUROC(fields=["pred_score", "gt_label"], prefix="image_"),
        AUROC(fields=["anomaly_map", "gt_mask"], prefix="pixel_"),
        AUPRO(fields=["anomaly_map", "gt_mask"], prefix="pixel_"),
    ]


def _stored(state: dict[str, torch.Tensor]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        torch.save(state, path)
        return path.stat().st_size
