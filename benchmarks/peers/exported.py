"""`make bench-export-peers`: PaDiM-R18-Rd100 as OpenVINO by padimkit and by anomalib, on real bottles.

The same images, weights, channels, preprocessing and one thread; each by its own export and its own way from
a file to a score. Models are made once; times are taken in fresh processes, alternating.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import fresh, machine
from benchmarks.inputs.images import SHARED, WEIGHTS, prepare

BOTTLES = SHARED / "data" / "mvtec_bottle_256" / "bottle"
RECORD = Path(__file__).resolve().parents[1] / "records" / "export-peers.json"
_TIME = "process_seconds"
PARTS = {"padimkit": "benchmarks.peers.ours_exported", "anomalib": "benchmarks.peers.theirs_exported"}
PRECISIONS = ("float32", "bfloat16")  # of the same files
ROWS = {  # the parts of an outcome, with the unit and its factor
    "milliseconds from a file to its verdict": ("file_seconds", 1e3, ".1f"),
    "milliseconds of the mere graph": ("graph_seconds", 1e3, ".1f"),
    "seconds of processor time from model to first verdict": ("first_seconds", 1.0, ".2f"),
    "seconds of the same": ("first_wall_seconds", 1.0, ".2f"),
    "image AUROC": ("auroc", 1.0, ".4f"),
    "difference from its own model, batch 1": ("batch_1", 1.0, ".1e"),
    "difference from its own model, batch 8": ("batch_8", 1.0, ".1e"),
    "megabytes": ("bytes", 1e-6, ".0f"),
}


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", required=True, help="Python interpreter of the environment with anomalib.")
    parser.add_argument("--rounds", type=int, default=5, help="Processes of each, which alternate.")
    parser.add_argument("--images", type=int, default=20, help="Test images that each process is timed on.")
    parser.add_argument("--models", type=Path, help="Folder in which exported models are kept.")
    parser.add_argument("--record", type=Path, default=RECORD)
    chosen = parser.parse_args(words)
    with TemporaryDirectory() as temporary:
        place = (chosen.models or Path(temporary)).absolute()
        found = {name: _made(name, place, chosen.peer) for name in PARTS}
        columns = [(name, precision) for precision in PRECISIONS for name in PARTS]
        runs: dict[str, list[dict[str, float]]] = {" ".join(column): [] for column in columns}
        for _ in range(chosen.rounds):
            for name, precision in columns:
                given = {"path": found[name]["path"], "category": str(BOTTLES), "rounds": chosen.images}
                outcome = _call(name, "timed", given | {"precision": precision}, chosen.peer)
                runs[f"{name} {precision}"].append(outcome)
    times = {
        column: {key: median(one[key] for one in rounds) for key in rounds[0]}
        for column, rounds in runs.items()
    }
    print(f"| | {' | '.join(runs)} |\n|{'---|' * (len(runs) + 1)}")
    for title, (key, factor, form) in ROWS.items():
        cells = [(times[column] | found[column.split()[0]])[key] for column in runs]
        print(f"| {title} | {' | '.join(format(factor * cell, form) for cell in cells)} |")
    facts = {"machine": machine.describe(), "versions": _versions(chosen.peer)}
    made = {name: {key: value for key, value in one.items() if key != "path"} for name, one in found.items()}
    chosen.record.write_text(json.dumps(facts | {"made": made, "runs": runs}, indent=1) + "\n")


def _made(name: str, place: Path, peer: str) -> dict[str, Any]:
    """Return the exported model of one program, which is made unless it is there."""
    known = place / name / "made.json"
    if not known.exists():
        (place / name).mkdir(parents=True, exist_ok=True)
        inputs = prepare(str(place)) | {"category": str(BOTTLES), "weights": str(WEIGHTS)}
        known.write_text(json.dumps(_call(name, "made", inputs | {"output": str(place / name)}, peer)))
    found: dict[str, Any] = json.loads(known.read_text())
    return found


def _call(name: str, function: str, given: dict[str, Any], peer: str) -> dict[str, Any]:
    python = sys.executable if name == "padimkit" else peer
    return fresh.call(python, f"{PARTS[name]}:{function}", given, threads=1)


def _versions(peer: str) -> dict[str, dict[str, str]]:
    theirs = fresh.call(peer, "benchmarks.machine:versions", {}, threads=1)
    return {
        "padimkit": machine.versions(),
        "anomalib": {name: theirs[name] for name in theirs if name != _TIME},
    }


if __name__ == "__main__":
    main(sys.argv[1:])
