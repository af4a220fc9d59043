"""The part of padimkit in the comparison of exported models; it runs in padimkit's environment."""

import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Literal, TypeAlias

import numpy as np
from PIL import Image

import padimkit
from padimkit.inspection.exported.session import Options, open_session

Precision: TypeAlias = Literal["float32", "bfloat16"]


def made(*, category: str, weights: str, channels: list[int], output: str) -> dict[str, Any]:
    """Fit PaDiM-R18-Rd100, which keeps these channels by itself, calibrate it, and export it."""
    place = Path(output)
    pipeline = padimkit.load_recipe("padim-r18-rd100")
    pipeline.backbone.weights = weights
    source = padimkit.MVTec(Path(category).parent, Path(category).name)
    pipeline.fit(source.train(), progress=False)
    known = padimkit.calibrate(pipeline, source.train(), progress=False)
    padimkit.save(pipeline, place / "model", calibration=known)
    tested = [Path(name) for name in _tested(category)[::10]]
    found = padimkit.export(place / "model", place / "model.xml", format="openvino", images=tested)
    largest = {size: max(found.parity.scores[size], found.parity.maps[size]) for size in (1, 8)}
    size = sum(path.stat().st_size for path in found.files)
    return {"path": str(found.path), "bytes": size, "batch_1": largest[1], "batch_8": largest[8]}


def timed(*, path: str, category: str, rounds: int, precision: Precision) -> dict[str, float]:
    """Return the median times of one image, by an inspector from a file and by the mere graph, and AUROC."""
    from sklearn.metrics import roc_auc_score

    start, begun = time.process_time(), time.perf_counter()
    inspector = padimkit.Inspector(path, threads=1, precision=precision)
    names = _tested(category)
    inspector(names[0])
    first, wall = time.process_time() - start, time.perf_counter() - begun
    session = open_session(Path(path), Options(threads=1, precision=precision))
    with Image.open(names[0]) as picture:
        pixels = np.asarray(picture.convert("RGB"))[None]
    session.run(pixels)
    scores = [inspection.score for inspection in inspector.each(names)]
    chosen = names[:rounds]
    return {
        "first_seconds": first,
        "first_wall_seconds": wall,
        "file_seconds": median(_seconds(partial(inspector, name)) for name in chosen),
        "graph_seconds": median(_seconds(partial(session.run, pixels)) for _ in chosen),
        "auroc": float(roc_auc_score(["/good/" not in name for name in names], scores)),
    }


def _tested(category: str) -> list[str]:
    return sorted(str(path) for path in (Path(category) / "test").rglob("*.png"))


def _seconds(work: Any) -> float:
    start = time.process_time()  # of this process alone, whatever else the machine does
    work()
    return time.process_time() - start
