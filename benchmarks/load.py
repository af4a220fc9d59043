"""Memory, open files, threads and results under load, beside those of little work.

    python -m benchmarks.load --only predict

Each part runs in a process of its own, which is looked at while it works: it has to hold as much at the end
as after a tenth of the work, and to find what it finds alone. The program prints a table and, of all parts in
full, writes a record.
"""

import argparse
import csv
import json
import multiprocessing
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from dataclasses import asdict
from functools import partial
from io import StringIO
from pathlib import Path

import yaml

from benchmarks.held import Found, Held, line, measured
from benchmarks.inputs.small import PIPELINE, a_record, drawn, fitted
from padimkit import Inspector
from padimkit.benchmark import store
from padimkit.benchmark.cell import Limits
from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.running.process import run_cell
from padimkit.cli.main import main as padimkit

RECORD = Path(__file__).parent / "records" / "load.json"
IMAGES, RECORDS, CELLS, THREADS, PROCESSES = 3000, 5000, 500, 8, 4


def predict(root: Path, count: int) -> Found:
    """Score images by the command; the first ones are scored alone as well."""
    images, alone = root / "images", root / "alone"
    drawn(images, count)
    alone.mkdir()
    for path in sorted(images.iterdir())[:16]:  # two batches
        (alone / path.name).symlink_to(path)

    def scores(given: Path, output: str) -> None:
        quietly("predict", fitted(root), given, "--output", root / output, "--write", "maps")

    return measured(
        "predict",
        count,
        partial(scores, images, "many"),
        lambda: _same_scores(root, partial(scores, alone, "few")),
    )


def _same_scores(root: Path, few: Callable[[], object]) -> bool:
    few()
    many, own = (_column(root / name / "scores.csv") for name in ("many", "few"))
    return own == many[: len(own)]


def _column(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["score"] for row in csv.DictReader(file)]


def report(root: Path, count: int) -> Found:
    """Make a page and a table of records; the lines of the first ones are made alone as well."""
    (root / "records").mkdir()
    for number in range(count):
        store.write(a_record(number), root / "records")
    few = root / "first"
    few.mkdir()
    for path in sorted((root / "records").glob("*.json"))[:50]:
        (few / path.name).write_bytes(path.read_bytes())

    def page() -> None:
        quietly("report", root / "records", "--output", root / "page.html")

    def as_alone() -> bool:
        for folder in ("records", "first"):
            quietly("report", root / folder, "--format", "csv", "--output", root / f"{folder}.csv")
        own, all_ = ((root / f"{name}.csv").read_text() for name in ("first", "records"))
        lines = all_.splitlines()  # which name their files
        return set(own.replace("/first/", "/records/").splitlines()) <= set(lines) and len(lines) == count + 1

    return measured("report", count, page, as_alone)


def cells(root: Path, count: int) -> Found:
    """Run cells by the command, in forked processes; one is run alone as well."""
    drawn(root / "good", 4)
    drawn(root / "bad", 2, brighter=60)
    suite = {
        "name": "load",
        "pipelines": [{"name": "own", "pipeline": PIPELINE}],
        "datasets": [
            {"class_path": "folder", "init_args": {"normal": f"{root}/good", "anomalous": f"{root}/bad"}}
        ],
        "metrics": ["image_auroc"],
        "seeds": list(range(count)),
        "threads": 1,
    }
    (root / "suite.yaml").write_text(yaml.safe_dump(suite))

    def as_alone() -> bool:
        planned = Suite.read(root / "suite.yaml").planned[-1]
        alone = run_cell(planned.cell, planned.facts, Limits(threads=1))
        run = store.read(root / "out" / f"{planned.key}.json")
        return run.metrics == alone.metrics and len(list(store.paths(root / "out"))) == count

    work = partial(quietly, "benchmark", root / "suite.yaml", "--output", root / "out")
    return measured("cells", count, work, as_alone)


def threads(root: Path, count: int) -> Found:
    """Judge images by one inspector in eight threads; each image is judged alone as well."""
    drawn(root / "images", 20)
    inspector = Inspector(fitted(root), workers=0)
    paths = sorted((root / "images").iterdir())
    alone = {path: inspector(path).as_dict() for path in paths}
    answers: list[bool] = []

    def judge(number: int) -> None:
        path = paths[number % len(paths)]
        answers.append(_without_time(inspector(path).as_dict()) == _without_time(alone[path]))

    def work() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(judge, range(count)))

    return measured("threads", count, work, lambda: len(answers) == count and all(answers))


def _without_time(line: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in line.items() if name != "milliseconds"}


def processes(way: str, root: Path, count: int) -> Found:
    """Judge images in processes that are forked or spawned, each of which loads the model."""
    drawn(root / "images", 20)
    model, paths = fitted(root), sorted((root / "images").iterdir())
    alone = _scores(model, paths)
    answers: list[bool] = []

    def work() -> None:
        context = multiprocessing.get_context(way)
        for _ in range(max(1, count // (PROCESSES * len(paths)))):
            with context.Pool(PROCESSES) as pool:
                answers.extend(one == alone for one in pool.starmap(_scores, [(model, paths)] * PROCESSES))

    return measured(way, count, work, lambda: bool(answers) and all(answers))


def _scores(model: Path, paths: list[Path]) -> list[float]:
    inspector = Inspector(model, workers=0)
    return [inspector(path).score for path in paths]


PARTS: dict[str, tuple[Callable[[Path, int], Found], int]] = {
    "predict": (predict, IMAGES),
    "report": (report, RECORDS),
    "cells": (cells, CELLS),
    "threads": (threads, IMAGES),
    "fork": (partial(processes, "fork"), 800),
    "spawn": (partial(processes, "spawn"), 240),
}


def quietly(*words: object) -> None:
    """Run a command without what it prints."""
    with redirect_stdout(StringIO()):
        status = padimkit([str(word) for word in words])
    if status:
        raise SystemExit(f"padimkit {words[0]} ended with status {status}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--share", type=float, default=1.0, help="of the usual counts")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        part, count = PARTS[given.only]
        with tempfile.TemporaryDirectory() as root:
            print(json.dumps(asdict(part(Path(root), max(8, round(given.share * count))))))
        return 0
    print("| part | count | seconds | MiB | open files | threads | most MiB | results |\n" + "|---" * 8 + "|")
    rows = []
    for name in PARTS if given.only is None else [given.only]:
        words = [
            sys.executable,
            "-m",
            "benchmarks.load",
            "--here",
            "--only",
            name,
            "--share",
            str(given.share),
        ]
        row = json.loads(
            subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
        )
        rows.append(row)
        held = {at: Held(**row[at]) for at in ("tenth", "end")}
        print(line(Found(**row | held)), flush=True)
    if given.only is None and given.share == 1:  # a part alone does not replace the record of all
        RECORD.write_text(json.dumps(rows, indent=2) + "\n")
    return int(not all(row["as_alone"] for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
