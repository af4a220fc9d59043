"""`make bench-export`: models exported to ONNX Runtime and OpenVINO beside padimkit, on real bottles.

Parity at batch 1 and 8, milliseconds of one image, size, image AUROC, and processor time and memory from the
start of a process to the first verdict. One thread. Times of all forms of a model are taken in turn, image
by image, so that what else the machine does meets all of them; with `--models FOLDER`, models and files are
kept, and a second run measures times alone.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from itertools import cycle, islice
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
CASES = (  # recipes, and the number of bottles that they learn
    ("padim-lite0", 209),
    ("padim-r18-rd100", 209),
    ("padim-r18-pca100", 209),
    ("padim-r18", 40),  # of fewer images than channels: a factor of low rank
    ("mahalanobis-lite0", 209),
    ("mahalanobis-ad", 209),
    ("spade-lite0", 209),
    ("patchcore-r18-1", 209),
    ("semi-orthogonal-lite0-100", 209),
)
RUNTIMES = ("onnx", "onnxruntime", "openvino", "nncf")
OWN = "padimkit"
FORMS = {  # format, suffix, precision of the file, precision to compute in
    "ONNX Runtime": ("onnx", ".onnx", "float32", None),
    "OpenVINO": ("openvino", ".xml", "float32", None),
    "OpenVINO, bfloat16": ("openvino", ".xml", "float32", "bfloat16"),  # of the same file
    "OpenVINO, int8": ("openvino", ".xml", "int8", None),
}
HEAD = ("recipe", "images", "runs by", "batch 1", "batch 8", "ms", "of padimkit's", "AUROC", "MB", "start, s")
Row = dict[str, Any]


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="+", help="Some of the recipes only.")
    parser.add_argument("--images", type=int, default=209, help="The most training images.")
    parser.add_argument("--rounds", type=int, default=30, help="Images that each form is timed on.")
    parser.add_argument("--models", type=Path, help="Folder in which models and exported files are kept.")
    parser.add_argument("--record", type=Path, default=RECORD)
    chosen = parser.parse_args(words)
    print(f"| {' | '.join(HEAD)} |\n{'|---' * len(HEAD)}|")
    with TemporaryDirectory() as temporary:
        for recipe, images in CASES:
            if chosen.recipes and recipe not in chosen.recipes:
                continue
            given = {
                "recipe": recipe,
                "images": min(images, chosen.images),
                "rounds": chosen.rounds,
                "folder": str((chosen.models or Path(temporary)).absolute() / recipe),
            }
            found = fresh.call(sys.executable, "benchmarks.export:measured", given, threads=1)["rows"]
            print("\n".join(map(_line, found)), flush=True)
            _write(chosen.record, recipe, found)


def _write(path: Path, recipe: str, rows: list[Row]) -> None:
    """Put the rows of a recipe into the record, beside those of others, and of other machines.

    All have the same versions; each row names its machine, since times of several are not comparable.
    """
    versions = machine.versions() | {name: version(name) for name in RUNTIMES}
    known = json.loads(path.read_text()) if path.exists() else {}
    processor = machine.describe()["processor"]
    others = [
        row for row in known.get("rows", []) if (row["recipe"], row["processor"]) != (recipe, processor)
    ]
    kept = others if known.get("versions") == versions else []
    named = [row | {"processor": processor} for row in rows]
    path.write_text(json.dumps({"versions": versions, "rows": kept + named}, indent=1) + "\n")


def measured(recipe: str, images: int, rounds: int, folder: str) -> dict[str, Any]:
    """Fit a recipe on some bottles and export it, unless that is done, and measure it by each runtime."""
    place = Path(folder)
    known = place / "rows.json"
    if not known.exists():
        shutil.rmtree(place, ignore_errors=True)  # what a run that was stopped has left
        place.mkdir(parents=True)
        _fit(recipe, images, place / OWN)
        made = {OWN: {"bytes": sum(path.stat().st_size for path in (place / OWN).iterdir())}}
        made |= {name: _made(place, name) for name in FORMS}
        known.write_text(json.dumps({name: row | _quality(place, name, row) for name, row in made.items()}))
    rows: dict[str, Row] = json.loads(known.read_text())
    usable = {name: _inspector(place, name) for name, row in rows.items() if "error" not in row}
    image = str(_tested()[0])
    times = _times(usable, rounds)
    for name in usable:
        rows[name] |= times[name] | _started(_path(place, name), image)
    return {
        "rows": [{"recipe": recipe, "images": images, "runtime": name, **row} for name, row in rows.items()]
    }


def _made(place: Path, name: str) -> Row:
    """Export a model in one form, compared on bottles of the test set; a refusal is a row too."""
    kind, _, precision, way = FORMS[name]
    path = _path(place, name)
    if way is None:
        ranges = (
            sorted((BOTTLES / "train" / "good").glob("*.png"))[:40]
            if precision == "int8"
            else _tested()[::10]
        )
        try:
            found = padimkit.export(place / OWN, path, format=kind, precision=precision, images=ranges)
        except PadimkitError as error:
            return {"error": str(error)}
        largest = {size: max(found.parity.scores[size], found.parity.maps[size]) for size in (1, 8)}
        parity = {"batch_1": largest[1], "batch_8": largest[8], "resized": found.parity.resized}
    elif path.exists():
        parity = {}
    else:
        return {"error": "Its file was refused, as the row above says."}
    files = [path, path.with_suffix(".bin"), path.with_name(f"{path.name}.data")]
    return parity | {"bytes": sum(file.stat().st_size for file in files if file.exists())}


def _quality(place: Path, name: str, row: Row) -> Row:
    """Return the AUROC of all test images."""
    if "error" in row:
        return {}
    paths = _tested()
    scores = [inspection.score for inspection in _inspector(place, name).each(map(str, paths))]
    return {"auroc": float(roc_auc_score(["good" not in path.parts for path in paths], scores))}


def _path(place: Path, name: str) -> Path:
    if name == OWN:
        return place / OWN
    _, suffix, precision, _ = FORMS[name]
    return place / f"{precision}{suffix}"


def _inspector(place: Path, name: str) -> padimkit.Inspector:
    way: Any = None if name == OWN else FORMS[name][3]
    return padimkit.Inspector(_path(place, name), threads=1, precision=way)


def _tested() -> list[Path]:
    return sorted((BOTTLES / "test").rglob("*.png"))


def _times(inspectors: Mapping[str, padimkit.Inspector], rounds: int) -> dict[str, Row]:
    """Return the median time of one image by each form, and of its ratios to that of padimkit."""
    paths = [str(path) for path in islice(cycle(_tested()), rounds)]
    seconds = {
        name: [_seconds(inspector, path) for path in paths[:2]] for name, inspector in inspectors.items()
    }
    seconds = {name: [] for name in seconds}  # the first ones find cold caches
    for path in paths:
        for name, inspector in inspectors.items():
            seconds[name].append(_seconds(inspector, path))
    return {
        name: {
            "seconds": median(own),
            "of_padimkits": median(one / other for one, other in zip(own, seconds[OWN], strict=True)),
        }
        for name, own in seconds.items()
    }


def _seconds(inspect: Callable[[str], object], path: str) -> float:
    start = time.process_time()  # of this process alone, whatever else the machine does
    inspect(path)
    return time.process_time() - start


def _fit(recipe: str, images: int, model: Path) -> None:
    # Those of EfficientNet-B4 are not at hand: drawn ones show whether the graph agrees, not how good it is.
    chosen = WEIGHTS if "-r18" in recipe else "none" if recipe == "mahalanobis-ad" else None
    weights = [] if chosen is None else [f"--pipeline.backbone.weights={chosen}"]
    with TemporaryDirectory() as folder:
        for path in sorted((BOTTLES / "train" / "good").glob("*.png"))[:images]:
            (Path(folder) / path.name).symlink_to(path)
        fit.run([recipe, "--data=folder", f"--data.normal={folder}", *weights, f"--output={model}"])


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


def _line(row: Row) -> str:
    names = f"| {row['recipe']} | {row['images']} | {row['runtime']} |"
    if "error" in row:
        return f"{names} {row['error']} |{' |' * (len(HEAD) - 4)}"
    parity = " | ".join(f"{row[key]:.1e}" if key in row else "" for key in ("batch_1", "batch_8"))
    times = f"{1000 * row['seconds']:.0f} | {row['of_padimkits']:.2f} | {row['auroc']:.4f}"
    return f"{names} {parity} | {times} | {row['bytes'] / 1e6:.0f} | {row['start_seconds']:.1f} |"


if __name__ == "__main__":
    main(sys.argv[1:])
