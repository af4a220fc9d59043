"""`make bench-export`: models exported to ONNX Runtime and OpenVINO beside padimkit, on real bottles.

Parity, milliseconds of one image, size, and processor time and memory from the start of a process to the
first verdict; for bfloat16 and int8, what they change in image AUROC too. One thread.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from sklearn.metrics import roc_auc_score

import padimkit
from benchmarks import fresh, machine
from padimkit import PadimkitError
from padimkit.cli import fit

ROOT = Path(__file__).resolve().parents[2] / "shared"
BOTTLES = ROOT / "data" / "mvtec_bottle_256" / "bottle"
WEIGHTS = ROOT / "weights" / "resnet18_stem_to_layer3.safetensors"
RECORD = Path(__file__).parent / "records" / "export.json"
RECIPES = (
    "padim-r18-rd100",
    "padim-r18-pca100",
    "padim-lite0",
    "padim-filter-bank",
    "mahalanobis-lite0",
    "semi-orthogonal-lite0-100",
    "patchcore-lite0-1",
    "spade-lite0",
)
KINDS = (
    ("onnx", ".onnx", "float32", None),
    ("openvino", ".xml", "float32", None),
    ("openvino", ".xml", "float32", "bfloat16"),  # the same file, computed with in another way
    ("openvino", ".xml", "int8", None),
)
REPEATS = 15


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--images", type=int, default=40, help="Training images.")
    parser.add_argument("--record", type=Path, default=RECORD)
    chosen = parser.parse_args(words)
    names = ("recipe", "runs by", "parity", "ms", "AUROC", "MB", "start, s", "start, MB")
    print(f"| {' | '.join(names)} |\n{'|---' * len(names)}|")
    rows = []
    for recipe in chosen.recipes:
        for row in _rows(recipe, chosen.images):
            rows.append(row)
            print(_line(row), flush=True)
    record = {"machine": machine.describe(), "versions": machine.versions(), "images": chosen.images}
    chosen.record.write_text(json.dumps(record | {"rows": rows}, indent=1) + "\n")


def _rows(recipe: str, images: int) -> list[dict[str, Any]]:
    given = {"recipe": recipe, "images": images}
    rows: list[dict[str, Any]] = fresh.call(sys.executable, "benchmarks.export:measured", given, threads=1)[
        "rows"
    ]
    return rows


def measured(recipe: str, images: int) -> dict[str, Any]:
    """Fit a recipe on some bottles, export it, and measure it by each runtime."""
    with TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        _fit(recipe, images, model)
        size = sum(path.stat().st_size for path in model.iterdir())
        rows = [{"recipe": recipe, "runtime": "padimkit", "parity": None, "bytes": size, **_inspected(model)}]
        for kind, suffix, precision, way in KINDS:
            output = Path(folder) / f"{precision}{suffix}"
            named = {"recipe": recipe, "runtime": f"{kind} {way or precision}"}
            try:
                made = {"parity": None} if way else _exported(model, output, kind, precision)
            except PadimkitError as error:
                rows.append(named | {"error": str(error)})
                continue
            files = [output, output.with_suffix(".bin")] if kind == "openvino" else [output]
            size = sum(path.stat().st_size for path in files)
            rows.append(named | made | {"bytes": size} | _inspected(output, way))
    return {"rows": rows}


def _fit(recipe: str, images: int, model: Path) -> None:
    weights = [f"--pipeline.backbone.weights={WEIGHTS}"] if "-r18" in recipe else []
    with TemporaryDirectory() as folder:
        for path in sorted((BOTTLES / "train" / "good").glob("*.png"))[:images]:
            (Path(folder) / path.name).symlink_to(path)
        fit.run([recipe, "--data=folder", f"--data.normal={folder}", *weights, f"--output={model}"])


def _exported(model: Path, output: Path, kind: Any, precision: Any) -> dict[str, Any]:
    """Export a model, compared on bottles of the test set."""
    images = sorted((BOTTLES / "test").rglob("*.png"))[::10]
    ranges = sorted((BOTTLES / "train" / "good").glob("*.png"))[:40] if precision == "int8" else images
    found = padimkit.export(model, output, format=kind, precision=precision, images=ranges)
    return {"parity": found.parity.largest, "resized": found.parity.resized}


def _inspected(model: Path, precision: Any = None) -> dict[str, Any]:
    """Return the time of one image, the AUROC of all test images, and what a fresh process takes."""
    inspector = padimkit.Inspector(model, threads=1, precision=precision)
    paths = [str(path) for path in sorted((BOTTLES / "test").rglob("*.png"))]
    seconds = median(_seconds(inspector, paths[:REPEATS]))
    scores = [inspection.score for inspection in inspector.each(paths)]
    auroc = float(roc_auc_score(["/good/" not in path for path in paths], scores))
    return {"seconds": seconds, "auroc": auroc} | _started(model, paths[0])


def _started(model: Path, image: str) -> dict[str, float]:
    """Return the processor time and memory of a fresh process that gives one verdict."""
    program = (
        f"import padimkit; padimkit.Inspector({str(model)!r}, threads=1)({image!r}); "
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )  # the mark of the process itself: what wait4 says includes the memory of this one before exec
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    printed = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{program} failed.")
    return {"start_seconds": used.ru_utime + used.ru_stime, "start_megabytes": int(printed) * 1.024e-3}


def _seconds(inspect: Callable[[str], object], paths: Sequence[str]) -> Iterator[float]:
    for path in paths:
        start = time.process_time()  # of this process alone, whatever else the machine does
        inspect(path)
        yield time.process_time() - start


def _line(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"| {row['recipe']} | {row['runtime']} | {row['error']} | | | | | |"
    parity = "" if row["parity"] is None else f"{row['parity']:.1e}"
    times = f"{parity} | {1000 * row['seconds']:.0f} | {row['auroc']:.4f} | {row['bytes'] / 1e6:.0f}"
    start = f"{row['start_seconds']:.1f} | {row['start_megabytes']:.0f}"
    return f"| {row['recipe']} | {row['runtime']} | {times} | {start} |"


if __name__ == "__main__":
    main(sys.argv[1:])
