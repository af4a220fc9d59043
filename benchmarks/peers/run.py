"""`make bench-peers`: each task in fresh processes, alternating, as tables and a record."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import fresh, machine
from benchmarks.inputs import embeddings, maps
from benchmarks.inputs.images import prepare
from benchmarks.peers.table import HEAD, Measurements, lines, qualities
from benchmarks.peers.tasks import OURS, Run, Scale, Task, tasks

RECORDS = Path(__file__).resolve().parents[1] / "records"
GROWTH = (100, 5000)


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", required=True, help="Python interpreter of the environment with anomalib.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=[], help="Names of tasks.")
    parser.add_argument("--record", type=Path, default=RECORDS / "peers.json")
    chosen = parser.parse_args(words)
    if not Path(chosen.peer).exists():
        sys.exit(f'"{chosen.peer}" does not exist: "make bench-peers" makes the environment of the peer.')
    with tempfile.TemporaryDirectory() as folder:
        record = compare(Scale(), folder, prepare(folder), chosen)
    chosen.record.parent.mkdir(exist_ok=True)
    chosen.record.write_text(json.dumps(joined(chosen.record, record), indent=1) + "\n")


def joined(path: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Return the record, with tasks of an earlier one of the same machine that were not run again."""
    if not path.exists():
        return record
    before = json.loads(path.read_text())
    if any(before[fact] != record[fact] for fact in ("machine", "versions", "threads")):
        return record
    return record | {"tasks": before["tasks"] | record["tasks"], "own": record["own"] or before["own"]}


def compare(scale: Scale, folder: str, images: dict[str, Any], chosen: argparse.Namespace) -> dict[str, Any]:
    """Run the chosen tasks, print their tables, and return a record of every single measurement."""
    print(f"{machine.describe()['processor']}, {chosen.threads} thread(s), {chosen.rounds} rounds\n\n{HEAD}")
    found: dict[str, Measurements] = {}
    quality: list[str] = []
    for task in tasks(scale, folder, images):
        if not chosen.only or task.name in chosen.only:
            write_inputs(task, scale, folder)
            found[task.name] = measure(task, chosen)
            _print(lines(task, found[task.name]))
            quality += qualities(task, found[task.name])
            for file in Path(folder).glob("*.bin"):
                file.unlink()  # 1.4 GB
    print()
    _print(quality)
    alone = our_own(scale, images, chosen) if not chosen.only or "own" in chosen.only else {}
    peers = fresh.call(chosen.peer, "benchmarks.machine:versions", {}, threads=1)
    versions = {
        "padimkit": machine.versions(),
        "peer": {name: peers[name] for name in peers if name in machine.PACKAGES},
    }
    facts = {"machine": machine.describe(), "versions": versions, "threads": chosen.threads}
    return {**facts, "tasks": found, "own": alone}


def write_inputs(task: Task, scale: Scale, folder: str) -> None:
    """Write the inputs that the runs of a task read."""
    for run in task.runs[:1]:
        if "channels" in run.arguments and "images" in run.arguments:
            embeddings.write(**scale.embeddings(folder, run.arguments["channels"]))
        elif "count" in run.arguments:
            maps.write(**scale.test_set(folder))


def measure(task: Task, chosen: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """Return the measurements of all runs, round by round; every other round has the opposite order."""
    found: dict[str, list[dict[str, float]]] = {run.label: [] for run in task.runs}
    for number in range(chosen.rounds):
        for run in task.runs if number % 2 == 0 else reversed(task.runs):
            found[run.label].append(_call(run, chosen))
    return found


def our_own(scale: Scale, images: dict[str, Any], chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure memory of a fit against the number of images, and the share of each stage in time per image."""
    peaks = {kept: [_growth(scale, count, chosen, kept) for count in GROWTH] for kept in (False, True)}
    for kept, (few, many) in peaks.items():
        print(
            f"\nfit of {GROWTH[1]} images in {many / 2**20:.0f} MiB, of {GROWTH[0]} in {few / 2**20:.0f}: "
            f"{many / few:.3f} times as much, {'with' if kept else 'without'} memory that glibc keeps"
        )
    stages = fresh.call(sys.executable, f"{OURS}:shares", images, threads=chosen.threads)
    whole = stages["decode"] + stages["predict"]
    print(f"share of the density in {1000 * whole:.1f} ms per image: {100 * stages['density'] / whole:.1f} %")
    return {"growth_bytes": {"needed": peaks[False], "with_kept": peaks[True]}, "stages_seconds": stages}


def _growth(scale: Scale, images: int, chosen: argparse.Namespace, kept: bool) -> int:
    """Return peak bytes of a fit; glibc keeps freed memory unless it is told to give it back."""
    arguments = {"images": images, "channels": scale.narrow, "side": scale.side}
    told = {} if kept else {"MALLOC_TRIM_THRESHOLD_": str(2**20)}
    found = fresh.call(sys.executable, f"{OURS}:growth", arguments, threads=chosen.threads, **told)
    return int(found["bytes"])


def _call(run: Run, chosen: argparse.Namespace) -> dict[str, float]:
    python = chosen.peer if run.peer else sys.executable
    return fresh.call(python, run.function, run.arguments, threads=chosen.threads)


def _print(texts: Iterable[str]) -> None:
    for text in texts:
        print(text, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
