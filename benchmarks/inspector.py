"""`make bench-inspector`: memory over 10,000 calls of an inspector, and the latency of a call.

Of a small model, stored and exported: what a call leaves behind does not depend on the size of the model, and
10,000 calls of a large one take ten minutes. Images come as paths, bytes and arrays in turn.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

import padimkit
from benchmarks import fresh, machine
from benchmarks.measure import resident_bytes
from padimkit.images.sample import Sample

RECORD = Path(__file__).parent / "records" / "inspector.json"
SUFFIXES = {"stored": "", "ONNX Runtime": ".onnx", "OpenVINO": ".xml"}
_LOOKS = 10  # at the memory


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--record", type=Path, default=RECORD)
    chosen = parser.parse_args(words)
    rows = {}
    head = ("model", "MiB after a tenth", "MiB after all", "growth, bytes a call", "ms, median", "ms, 99 %")
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    with TemporaryDirectory() as folder:
        prepare(Path(folder))
        for name, suffix in SUFFIXES.items():
            given = {"folder": folder, "suffix": suffix, "calls": chosen.calls}
            rows[name] = fresh.call(sys.executable, "benchmarks.inspector:measured", given, threads=1)
            print(_line(name, rows[name]), flush=True)
    facts = {"machine": machine.describe(), "versions": machine.versions(), "calls": chosen.calls}
    chosen.record.write_text(json.dumps(facts | {"rows": rows}, indent=1) + "\n")


def prepare(folder: Path, *, exported: bool = True) -> None:
    """Write images, a calibrated model of them, and its exported forms."""
    random = np.random.default_rng(0)
    for number in range(24):
        coarse = random.integers(90, 160, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((80, 72), Image.Resampling.BICUBIC).save(folder / f"{number:02}.png")
    images = sorted(folder.glob("*.png"))
    pipeline = padimkit.Pipeline(
        padimkit.FilterBank(scales=2, orientations=2),
        padimkit.RandomChannels(keep=6),
        padimkit.Gaussian(),
        preprocessing=padimkit.Preprocessing(64, None),
    ).fit([Sample(path) for path in images], progress=False)
    found = padimkit.calibrate(pipeline, images, progress=False)
    padimkit.save(pipeline, folder / "model", calibration=found)
    if exported:
        padimkit.export(folder / "model", folder / "model.onnx")
        padimkit.export(folder / "model", folder / "model.xml", format="openvino")


def measured(folder: str, suffix: str, calls: int) -> dict[str, Any]:
    """Return the memory after each tenth of the calls, and the times of calls."""
    inspector = padimkit.Inspector(Path(folder) / f"model{suffix}", threads=1)
    seconds, resident = [], []
    for number, image in enumerate(islice(cycle(_forms(Path(folder))), calls), start=1):
        start = time.perf_counter()
        inspector(image)
        seconds.append(time.perf_counter() - start)
        if number % (calls // _LOOKS) == 0:
            resident.append(resident_bytes())
    return {
        "resident_bytes": resident,
        "growth_per_call": (resident[-1] - resident[0]) / (calls * (1 - 1 / _LOOKS)),
        "median_ms": 1000 * median(seconds),
        "p99_ms": 1000 * quantiles(seconds, n=100)[-1],
    }


def _forms(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as picture:
            yield from (path, path.read_bytes(), np.asarray(picture))


def _line(name: str, row: dict[str, Any]) -> str:
    first, last = (row["resident_bytes"][place] / 2**20 for place in (0, -1))
    times = f"{row['median_ms']:.1f} | {row['p99_ms']:.1f}"
    return f"| {name} | {first:.1f} | {last:.1f} | {row['growth_per_call']:.0f} | {times} |"


if __name__ == "__main__":
    main(sys.argv[1:])
