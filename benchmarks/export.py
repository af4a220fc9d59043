"""`make bench-export`: models exported to ONNX Runtime and OpenVINO beside padimkit, on real bottles.

Parity, milliseconds of one image, size, and processor time and memory from the start of a process to the
first verdict; for bfloat16 and int8, what they change in image AUROC too. One thread.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import fresh, machine

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
KINDS = (("onnx", "float32"), ("openvino", "float32"), ("openvino", "bfloat16"), ("openvino", "int8"))
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}
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


def _rows(recipe: str, images: int) -> Iterator[dict[str, Any]]:
    with TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        _call("fitted", recipe=recipe, images=images, model=str(model))
        size = sum(path.stat().st_size for path in model.iterdir())
        yield {"recipe": recipe, "runtime": "padimkit", "parity": None, "bytes": size, **_measured(model)}
        for kind, precision in KINDS:
            output = Path(folder) / f"{precision}{SUFFIXES[kind]}"
            given = {"model": str(model), "output": str(output), "kind": kind, "precision": precision}
            named = {"recipe": recipe, "runtime": f"{kind} {precision}"}
            try:
                made = _call("exported", **given)
            except fresh.Failed as error:
                yield named | {"error": str(error).splitlines()[-1]}
                continue
            yield named | made | _measured(output)


def _measured(model: Path) -> dict[str, Any]:
    started = _call("started", model=str(model))
    return started | _call("inspected", model=str(model))


def _call(function: str, **arguments: Any) -> dict[str, Any]:
    return fresh.call(sys.executable, f"benchmarks.export:{function}", arguments, threads=1)


def fitted(recipe: str, images: int, model: str) -> dict[str, Any]:
    """Fit a recipe on some bottles, calibrate it and store it."""
    import padimkit
    from padimkit.cli import fit

    weights = [f"--pipeline.backbone.weights={WEIGHTS}"] if "-r18" in recipe else []
    with TemporaryDirectory() as folder:
        for path in sorted((BOTTLES / "train" / "good").glob("*.png"))[:images]:
            (Path(folder) / path.name).symlink_to(path)
        fit.run([recipe, "--data=folder", f"--data.normal={folder}", *weights, "--output", model])
    return {"version": padimkit.__version__}


def exported(model: str, output: str, kind: str, precision: str) -> dict[str, Any]:
    """Export a model, compared on bottles of the test set."""
    import padimkit

    images = sorted((BOTTLES / "test").rglob("*.png"))[::10]
    ranges = sorted((BOTTLES / "train" / "good").glob("*.png"))[:40] if precision == "int8" else images
    found = padimkit.export(model, output, format=kind, precision=precision, images=ranges)  # type: ignore[arg-type]
    return {"parity": found.parity.largest, "bytes": sum(path.stat().st_size for path in found.files)}


def started(model: str) -> dict[str, Any]:
    """Return the processor time and memory of a fresh process that gives one verdict."""
    image = next(iter((BOTTLES / "test" / "good").glob("*.png")))
    program = f"import padimkit; padimkit.Inspector({model!r}, threads=1)({str(image)!r})"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    status = os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", program])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status:
        raise RuntimeError(f"{program} failed.")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"start_seconds": seconds, "start_megabytes": after.ru_maxrss / 1000}


def inspected(model: str) -> dict[str, Any]:
    """Return the time of one image, and the AUROC of the scores of all test images."""
    from sklearn.metrics import roc_auc_score

    import padimkit

    inspector = padimkit.Inspector(model, threads=1)
    paths = [str(path) for path in sorted((BOTTLES / "test").rglob("*.png"))]
    seconds = median(_seconds(inspector, paths[:REPEATS]))
    scores = [inspection.score for inspection in inspector.each(paths)]
    return {"seconds": seconds, "auroc": roc_auc_score(["/good/" not in path for path in paths], scores)}


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
