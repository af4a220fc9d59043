"""The time of `padimkit plugins list` with fifty plugins of strangers; it is to stay under 0.3 s.

Each is a distribution of its own, with a package that re-exports its class from a module of usual length, and
would take 10 seconds to import. The program prints a table and writes a record.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks import machine

COUNT = 50
ROUNDS = 30
RECORD = Path(__file__).parent / "records" / "plugins.json"

_METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\n\n" + "The text of its README.\n" * 100
_ENTRY = "[padimkit.{family}]\n{module} = {module}:Part\n"
_MODULE = '''"""A module of usual length."""

import time

time.sleep(10)


class Part:
    """Do what number {number} does."""
''' + "".join(
    f"\n    def method_{i}(self, x):\n        return [x + {i} for _ in range(x)]\n" for i in range(35)
)


def install(site: Path, count: int) -> None:
    """Put this many distributions with a plugin each into a folder, as pip would."""
    for number in range(count):
        module = f"stranger_{number}"
        info = site / f"{module}-1.2.3.dist-info"
        family = ("backbones", "reducers", "densities", "metrics", "datasets")[number % 5]
        for folder in (info, site / module):
            folder.mkdir()
        (info / "METADATA").write_text(_METADATA.format(name=module.replace("_", "-")))
        (info / "entry_points.txt").write_text(_ENTRY.format(family=family, module=module))
        (site / module / "__init__.py").write_text("from .part import Part\n")
        (site / module / "part.py").write_text(_MODULE.replace("{number}", str(number)))


@dataclass(frozen=True)
class Taken:
    """Seconds of one process from start to end, and those in which a processor worked for it."""

    wall: float
    processor: float


def taken(words: list[str], site: Path) -> Taken:
    """Return the time of one process that sees the distributions in a folder."""
    paths = os.pathsep.join([str(Path(__file__).resolve().parents[1]), str(site)])
    environment = os.environ | {"PYTHONPATH": paths}
    before, start = _processor_seconds(), time.perf_counter()
    subprocess.run([sys.executable, *words], env=environment, check=True, capture_output=True)
    return Taken(time.perf_counter() - start, _processor_seconds() - before)


def measure(count: int, rounds: int) -> dict[str, list[Taken]]:
    """Return the times of each round, in which all commands take turns; a first one does not count."""
    listing = ["-m", "padimkit", "plugins", "list"]
    with tempfile.TemporaryDirectory() as without, tempfile.TemporaryDirectory() as site:
        install(Path(site), count)
        commands = {
            "python alone": (["-c", "pass"], Path(without)),
            "padimkit plugins list": (listing, Path(without)),
            f"the same, {count} plugins of strangers": (listing, Path(site)),
        }
        for command in commands.values():
            taken(*command)
        turns = [{name: taken(*command) for name, command in commands.items()} for _ in range(rounds)]
    return {name: [turn[name] for turn in turns] for name in commands}


def main() -> None:
    rows = measure(COUNT, ROUNDS)
    print(f"{'seconds, median':36}{'wall':>8}{'highest':>9}{'processor':>11}")
    for name, turns in rows.items():
        walls, processor = [turn.wall for turn in turns], median(turn.processor for turn in turns)
        print(f"{name:36}{median(walls):>8.3f}{max(walls):>9.3f}{processor:>11.3f}")
    record = {"rounds": {name: [asdict(turn) for turn in turns] for name, turns in rows.items()}}
    facts = {"machine": machine.describe(), "versions": machine.versions()}
    RECORD.write_text(json.dumps(record | facts, indent=2) + "\n")


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
