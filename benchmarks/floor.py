"""`make bench-floor`: our stages beside the limits of this machine, measured in the same run."""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import fresh, machine
from benchmarks.inputs.images import prepare
from benchmarks.peers.tasks import OURS, Scale

RECORD = Path(__file__).parent / "records" / "floor.json"


@dataclass(frozen=True)
class Line:
    """The rate that a stage reaches, beside the limit of the machine."""

    stage: str
    found: float
    limit: float
    unit: str

    def __str__(self) -> str:
        share = 100 * self.found / self.limit
        return f"| {self.stage} | {self.found:.1f} | {self.limit:.1f} | {self.unit} | {share:.0f} % |"


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--record", type=Path, default=RECORD)
    chosen = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        record = measure(Scale(), prepare(folder), chosen.threads)
    chosen.record.parent.mkdir(exist_ok=True)
    chosen.record.write_text(json.dumps(record, indent=1) + "\n")


def measure(scale: Scale, images: dict[str, Any], threads: int) -> dict[str, Any]:
    """Print the table, and return a record of every measurement."""
    call = partial(fresh.call, sys.executable, threads=threads)
    limits = call("benchmarks.limits:limits", {})
    embeddings = {"images": scale.images, "channels": scale.wide, "side": scale.side}
    densities = {
        storage: call("benchmarks.limits:density", embeddings | {"storage": storage})
        for storage in ("full", "half")
    }
    stages = call(f"{OURS}:shares", images)
    plain = call("benchmarks.limits:plain", images)
    print(f"{machine.describe()['processor']}, {threads} thread(s)\n")
    print("| stage | reached | limit | unit | share |\n|---|---|---|---|---|")
    for line in _lines(limits, densities, stages, plain):
        print(line)
    rates = ", ".join(f"{limits[name]:.0f} in {name}" for name in ("float32", "float64", "bfloat16"))
    print(f"\nGFLOP/s of matrix products: {rates}")
    times = ", ".join(
        f"{name} {1000 * seconds:.2f}" for name, seconds in stages.items() if name != "process_seconds"
    )
    print(f"ms per image, R18-Rd100, batches of 8: {times}")
    facts = {"machine": machine.describe(), "versions": machine.versions(), "threads": threads}
    return {
        **facts,
        "limits": limits,
        "densities": densities,
        "stages_seconds": stages,
        "plain_seconds": plain,
    }


def _lines(
    limits: dict[str, Any], densities: dict[str, Any], stages: dict[str, Any], plain: dict[str, Any]
) -> list[Line]:
    full, half = densities["full"], densities["half"]
    alone = 1 / (plain["network"] + plain["pillow"])
    whole = 1 / (stages["predict"] + stages["decode"])
    return [
        Line("fit, d = 550, float64 products", full["fit_gflops"], limits["float64"], "GFLOP/s"),
        Line("score batch 1, d = 550, float32", full["score_gigabytes"], limits["bandwidth"], "GB/s"),
        Line("score batch 1, d = 550, half", half["score_gigabytes"], limits["bandwidth"], "GB/s"),
        Line(
            "backbone, beside the network as timm makes it",
            1 / stages["backbone"],
            1 / plain["network"],
            "images/s",
        ),
        Line("decoding, beside Pillow alone", 1 / stages["decode"], 1 / plain["pillow"], "images/s"),
        Line("all of R18-Rd100, beside network and Pillow alone", whole, alone, "images/s"),
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
