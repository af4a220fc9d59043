"""`make bench-methods`: all methods on real images by `padimkit evaluate`; prints tables, writes a record.

Each method runs on each category in a process of its own, with five seeds where it or the data set has one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from joblib import Parallel, delayed

from benchmarks.machine import describe, versions

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
RECORD = ROOT / "benchmarks" / "records" / "methods.json"
CATEGORIES = {"tile": "magnetic_tile", "bottle": "mvtec_bottle_256"}
METRICS = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC", "pro": "PRO"}
SEEDS = tuple(range(5))


@dataclass(frozen=True)
class Method:
    """A name for people, and the words of the command line that make it."""

    name: str
    words: tuple[str, ...]
    seeded: bool = False


def resnet18(name: str, recipe: str, *words: str, seeded: bool = False) -> Method:
    """A method over the weights of ResNet18 that are at hand."""
    weights = SHARED / "weights" / "resnet18_stem_to_layer3.safetensors"
    return Method(name, (recipe, f"--pipeline.backbone.weights={weights}", *words), seeded)


DESCRIPTOR = "--pipeline.backbone.descriptor=layer3"  # the weights end there
K5 = "--pipeline.density.image_neighbours=5"
PADIM = resnet18("PaDiM-R18, all 448", "padim-r18")
RD100 = resnet18("PaDiM-R18-Rd100", "padim-r18-rd100", seeded=True)
SPADE = resnet18("SPADE-R18, K = 50", "spade-r18", DESCRIPTOR)
PATCHCORE = resnet18("PatchCore-R18, 1 %", "patchcore-r18-1", seeded=True)
METHODS = {
    "mvtec": (
        PADIM,
        RD100,
        resnet18("PaDiM-R18-PCA100", "padim-r18-pca100"),
        resnet18("PaDiM-R18-Rd200", "padim-r18-rd200", seeded=True),
        resnet18("PaDiM-R18-PCA200", "padim-r18-pca200"),
        resnet18("PaDiM-R18, layer 1", "padim-r18-layer1"),
        resnet18("PaDiM-R18, layer 2", "padim-r18-layer2"),
        resnet18("PaDiM-R18, layer 3", "padim-r18-layer3"),
        resnet18("PaDiM-R18, layer 1+2+3 (sum)", "padim-r18-layer-sum"),
        Method("PaDiM, filter bank", ("padim-filter-bank",)),
        resnet18("semi-orthogonal-R18, k = 100", "semi-orthogonal-r18-100", seeded=True),
        SPADE,
        resnet18("SPADE-R18, image K = 5", "spade-r18", DESCRIPTOR, K5),
        PATCHCORE,
        resnet18("PatchCore-R18, 10 %", "patchcore-r18-10", seeded=True),
    ),
    "rd_mvtec": (PADIM, RD100, SPADE, PATCHCORE),
}


@dataclass(frozen=True)
class Cell:
    """One method on one category of one data set with one seed."""

    dataset: str
    method: Method
    category: str
    seed: int

    def words(self) -> list[str]:
        """What stands behind `padimkit evaluate`."""
        root = SHARED / "data" / CATEGORIES[self.category]
        data = [f"--data={self.dataset}", f"--data.root={root}", f"--data.category={self.category}"]
        if self.dataset == "rd_mvtec":
            data.append(f"--data.seed={self.seed}")
        return [*self.method.words, *data, f"--seed={self.seed}"]


def cells(only: str) -> list[Cell]:
    """All of them, or those whose methods' names hold a text."""
    return [
        Cell(dataset, method, category, seed)
        for dataset, methods in METHODS.items()
        for method, category in product(methods, CATEGORIES)
        for seed in (SEEDS if method.seeded or dataset == "rd_mvtec" else SEEDS[:1])
        if only in method.name
    ]


def run(cell: Cell) -> dict[str, Any]:
    """The cell's metrics, and seconds per test image."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "result.json"
        command = [sys.executable, "-m", "padimkit.cli", "evaluate", *cell.words(), f"--output={output}"]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        result = json.loads(output.read_text())
    who = {"dataset": cell.dataset, "method": cell.method.name, "category": cell.category, "seed": cell.seed}
    print(*who.values(), result["metrics"], flush=True, file=sys.stderr)
    return who | {"metrics": result["metrics"], "seconds": result["seconds"]}


def table(rows: Iterable[dict[str, Any]], dataset: str) -> list[str]:
    """A table in Markdown: methods by category and metric, in percent, with the spread over seeds."""
    rows = [row for row in rows if row["dataset"] == dataset]
    columns = [(c, m) for c, m in product(CATEGORIES, METRICS) if any(_figures(rows, None, c, m))]
    head = ["method", *(f"{category}: {METRICS[metric]}" for category, metric in columns)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for method in dict.fromkeys(row["method"] for row in rows):
        figures = [_shown(_figures(rows, method, category, metric)) for category, metric in columns]
        lines.append(f"| {' | '.join([method, *figures])} |")
    return lines


def _figures(rows: list[dict[str, Any]], method: str | None, category: str, metric: str) -> list[float]:
    return [
        100 * row["metrics"][metric]
        for row in rows
        if method in (None, row["method"]) and row["category"] == category and metric in row["metrics"]
    ]


def _shown(figures: list[float]) -> str:
    if len(figures) < 2:
        return "".join(f"{figure:.1f}" for figure in figures)
    return f"{mean(figures):.1f} ± {stdev(figures):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="Only methods whose names hold this text.")
    parser.add_argument("--jobs", type=int, default=2, help="How many run at a time, with one thread each.")
    parser.add_argument("--record", type=Path, default=RECORD, help="Where to write the record.")
    given = parser.parse_args()
    if not SHARED.is_dir():
        sys.exit(f'"{SHARED}" with real images and weights is missing; nothing can be compared.')
    rows = Parallel(given.jobs, prefer="threads")(delayed(run)(cell) for cell in cells(given.only))
    for dataset in METHODS:
        print(f"\n{dataset}\n", *table(rows, dataset), sep="\n")
    record = {"rows": rows, "machine": describe(), "versions": versions()}
    given.record.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
