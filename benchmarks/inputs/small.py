"""A small model, small images and small records, of which many are made in little time."""

from pathlib import Path

import numpy as np
from PIL import Image

from padimkit import save
from padimkit.benchmark.cell import Cell, Facts
from padimkit.benchmark.record import Record
from padimkit.config.build import build_pipeline
from padimkit.inspection.calibrate import calibrate

PIPELINE = {
    "backbone": {"class_path": "filter_bank", "init_args": {"scales": 1, "orientations": 4}},
    "reducer": {"class_path": "random_channels", "init_args": {"keep": 4}},
    "density": "gaussian",
    "preprocessing": {"resize": 32, "crop": 32},
}


def drawn(folder: Path, count: int, brighter: int = 0) -> None:
    """Draw small images of noise into a folder."""
    random = np.random.default_rng(brighter)
    folder.mkdir()
    for number in range(count):
        pixels = random.integers(80, 160, (40, 40, 3), dtype=np.uint8) + np.uint8(brighter)
        Image.fromarray(pixels).save(folder / f"{number:05}.png")


def fitted(root: Path) -> Path:
    """Return the folder of a small, calibrated model, fitted when it is first asked for."""
    folder = root / "model"
    if not folder.exists():
        drawn(root / "normal", 12)
        pipeline = build_pipeline(PIPELINE).fit(root / "normal", progress=False)
        save(pipeline, folder, calibration=calibrate(pipeline, root / "normal", progress=False))
    return folder


def a_record(number: int) -> Record:
    """Return a record of a made-up cell."""
    random, method, category = (
        np.random.default_rng(number),
        f"method {number % 20}",
        f"category {number // 20 % 25}",
    )
    settings = {
        "pipeline": PIPELINE,
        "data": "folder",
        "metrics": [{"class_path": "image_auroc"}],
        "seed": 0,
    }
    cell = Cell("load", method, "drawn", category, number // 500, settings, ("quality",), 1)
    return Record(
        key=f"record-{number:05}",
        cell=cell,
        facts=Facts(category, 100, 40, 20),
        metrics={"image_auroc": float(random.uniform(0.8, 1))},
        environment={"versions": {"python": "3"}, "threads": 1},
        begun="2026-01-01T00:00:00+00:00",
        took=1.0,
    )
