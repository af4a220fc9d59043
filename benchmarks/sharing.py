"""Processor time of fourteen variants of one backbone, with and without shared images and features.

    python -m benchmarks.sharing --images 60 --tests 5

On real images, where these are beside the checkout: PaDiM with ten draws of its channels, with PCA, summed
over layers, and of single layers. The same suite runs twice, in processes whose time is counted with that of
all cells. The program prints a table, compares the metric values bit for bit, and writes a record.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from padimkit.benchmark.store import read_all

RECORD = Path(__file__).parent / "records" / "sharing.json"
SHARED = Path(__file__).parents[2] / "shared"
SEEDS = 10


def suite(root: Path, category: str, backbone: dict[str, Any], images: int, most_gb: float) -> dict[str, Any]:
    """Return the suite; its features take at most this many GB."""
    layers = {number: backbone | {"backbone.layers": [f"layer{number}"]} for number in (1, 3)}
    return {
        "name": "sharing",
        "pipelines": [
            {"recipe": "padim-r18-rd100", "name": "Rd100", "set": backbone},
            {"recipe": "padim-r18-pca100", "name": "PCA100", "set": backbone},
            {"recipe": "padim-r18-layer-sum", "name": "sum", "set": backbone},
            *(
                {"recipe": f"padim-r18-layer{number}", "name": f"layer {number}", "set": own}
                for number, own in layers.items()
            ),
        ],
        "datasets": [{"class_path": "mvtec", "init_args": {"root": str(root)}, "categories": [category]}],
        "seeds": list(range(SEEDS)),
        "train_images": images,
        "threads": 1,
        "features": {"most_gb": most_gb},
    }


def part_of(root: Path, category: str, tests: int, folder: Path) -> Path:
    """Make a data set of all training images and of this many test images of each kind; return its root."""
    for kind in sorted((root / category / "test").iterdir()):
        for path in sorted(kind.iterdir())[:tests]:
            mask = root / category / "ground_truth" / kind.name / f"{path.stem}_mask.png"
            for file in (path, *([mask] if mask.exists() else [])):
                link = folder / file.relative_to(root)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file.absolute())
    (folder / category / "train").symlink_to((root / category / "train").absolute())
    return folder


def run(content: dict[str, Any], folder: Path) -> tuple[float, dict[str, dict[str, float]]]:
    """Run a suite; return seconds of processor time, of all its processes, and metric values by cell."""
    folder.mkdir()
    (folder / "suite.yaml").write_text(yaml.safe_dump(content))
    words = [sys.executable, "-m", "padimkit", "benchmark", str(folder / "suite.yaml")]
    process = os.spawnv(os.P_NOWAIT, sys.executable, [*words, "--output", str(folder / "records")])
    _, status, used = os.wait4(process, 0)
    if status:
        raise SystemExit("The suite has failed.")
    found = {record.cell.title: record.metrics for record in read_all(folder / "records")}
    return used.ru_utime + used.ru_stime, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=120, help="training images")
    parser.add_argument("--tests", type=int, default=40, help="test images of each kind")
    parser.add_argument("--root", type=Path, default=SHARED / "data" / "mvtec_bottle_256")
    parser.add_argument("--category", default="bottle")
    weights = SHARED / "weights" / "resnet18_stem_to_layer3.safetensors"
    parser.add_argument("--weights", default=str(weights), help='of ResNet18; "none" draws some')
    parser.add_argument("--record", type=Path, default=RECORD)
    given = parser.parse_args()
    backbone = {"backbone.weights": given.weights}
    with tempfile.TemporaryDirectory() as folder:
        root = part_of(given.root, given.category, given.tests, Path(folder, "data"))
        found = {
            name: run(suite(root, given.category, backbone, given.images, most_gb), Path(folder, name))
            for name, most_gb in (("shared", 16.0), ("apart", 0.0))
        }
    (shared, values), (apart, expected) = found["shared"], found["apart"]
    same = values == expected
    row = {"cells": len(values), "images": given.images, "tests": given.tests}
    row |= {"apart": round(apart, 1), "shared": round(shared, 1), "same": same}
    print("| cells | training images | apart, s | shared, s | ratio | metric values |\n" + "|---" * 6 + "|")
    said = "the same" if same else "DIFFERENT"
    print(f"| {len(values)} | {given.images} | {apart:.1f} | {shared:.1f} | {apart / shared:.2f} | {said} |")
    given.record.write_text(json.dumps(row, indent=1) + "\n")
    return int(not same)


if __name__ == "__main__":
    raise SystemExit(main())
