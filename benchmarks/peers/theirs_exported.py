"""The part of anomalib in the comparison of exported models; it runs in anomalib's environment.

Its own training, its own export to OpenVINO and its own inferencer.
"""

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import openvino
import torch
from anomalib.data.utils import read_image
from anomalib.deploy import ExportType, OpenVINOInferencer
from anomalib.engine import Engine
from anomalib.models import Padim
from anomalib.pre_processing import PreProcessor
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score

from benchmarks.peers.theirs import LAYERS, _folder, _transform

SIDE = 256  # of the images, which its exported graph takes at one size only
TOLERANT = 1e-30


def made(*, category: str, weights: str, channels: list[int], output: str) -> dict[str, Any]:
    """Train PaDiM over ResNet18 with these weights and channels, export it, and compare the two."""
    model = Padim(
        layers=LAYERS,
        pre_trained=False,
        n_features=len(channels),
        pre_processor=PreProcessor(_transform()),
        evaluator=False,
        visualizer=False,
    )
    inner = model.model.feature_extractor.feature_extractor
    inner.load_state_dict(load_file(weights), strict=False)
    model.model.idx = torch.tensor(channels)
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(
            default_root_dir=folder,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        engine.fit(model, datamodule=_folder(Path(category), "same_as_test"))
        path = engine.export(model, ExportType.OPENVINO, export_root=output, input_size=(SIDE, SIDE))
    images = [_image(name) for name in _tested(category)[::10]]
    graph = openvino.Core().compile_model(str(path), "CPU", _settings(1, "float32"))
    found = {size: _difference(model, graph, images, size) for size in (1, 8)}
    size = sum(Path(path).with_suffix(suffix).stat().st_size for suffix in (".xml", ".bin"))
    return {"path": str(path), "bytes": size, "batch_1": found[1], "batch_8": found[8]}


def timed(*, path: str, category: str, rounds: int, precision: str) -> dict[str, float]:
    """Return median times of one image, by its inferencer from a file and by the mere graph, and AUROC."""
    start, begun = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # the inferencer makes a folder of compiled models where it runs
        inferencer = OpenVINOInferencer(path, device="CPU", config=_settings(1, precision))
        names = _tested(category)
        inferencer.predict(names[0])
        first, wall = time.process_time() - start, time.perf_counter() - begun
        graph = openvino.Core().compile_model(path, "CPU", _settings(1, precision))
        pixels = _image(names[0])
        scores = [float(np.ravel(inferencer.predict(name).pred_score)[0]) for name in names]
        chosen = names[:rounds]
        return {
            "first_seconds": first,
            "first_wall_seconds": wall,
            "file_seconds": median(_seconds(lambda name=name: inferencer.predict(name)) for name in chosen),
            "graph_seconds": median(_seconds(lambda: graph(pixels)) for _ in chosen),
            "auroc": float(roc_auc_score(["/good/" not in name for name in names], scores)),
        }


def _difference(model: Any, graph: Any, images: list[np.ndarray], size: int) -> float:
    """Return the largest difference of score or map, relative to the largest value, in such batches."""
    largest = 0.0
    for start in range(0, len(images), size):
        batch = np.concatenate(images[start : start + size])
        with torch.no_grad():
            expected = model.eval()(torch.from_numpy(batch))
        found = graph(batch)
        for name in ("pred_score", "anomaly_map"):
            value = getattr(expected, name).numpy()
            other = np.asarray(found[name]).reshape(value.shape)
            scale = np.abs(value).reshape(len(batch), -1).max(1).clip(TOLERANT)
            off = np.abs(other - value).reshape(len(batch), -1).max(1)
            largest = max(largest, float((off / scale).max()))
    return largest


def _settings(threads: int, precision: str) -> dict[str, Any]:
    """Return settings of OpenVINO, which else takes bfloat16 where the processor has it."""
    return {
        "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
    }


def _tested(category: str) -> list[str]:
    return sorted(str(path) for path in (Path(category) / "test").rglob("*.png"))


def _image(name: str) -> np.ndarray:
    pixels: np.ndarray = read_image(name, as_tensor=False).astype(np.float32)
    return pixels.transpose(2, 0, 1)[None]


def _seconds(work: Any) -> float:
    start = time.process_time()  # of this process alone, whatever else the machine does
    work()
    return time.process_time() - start
