"""How long `padimkit plugins list` takes with fifty plugins of strangers; it is to stay under 0.3 s.

Each is a distribution of its own, with a package that passes its class on from a module of usual length, and
would take 10 seconds to import. Prints a table and writes a record.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks import machine

COUNT = 50
ROUNDS = 30
RECORD = Path(__file__).parent / "records" / "plugins.json"

_METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\n\n" + "What its README says.\n" * 100
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
    """Puts so many distributions with a plugin each into a folder, as pip would."""
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


def seconds(words: list[str], site: Path) -> float:
    """From start to end of one process that sees what is installed in a folder."""
    paths = os.pathsep.join([str(Path(__file__).resolve().parents[1]), str(site)])
    environment = os.environ | {"PYTHONPATH": paths}
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def measure(count: int, rounds: int) -> dict[str, list[float]]:
    """The seconds of each round, in which all commands take turns; a first one does not count."""
    listing = ["-m", "padimkit.cli", "plugins", "list"]
    with tempfile.TemporaryDirectory() as without, tempfile.TemporaryDirectory() as site:
        install(Path(site), count)
        commands = {
            "python alone": (["-c", "pass"], Path(without)),
            "padimkit plugins list": (listing, Path(without)),
            f"the same, {count} plugins of strangers": (listing, Path(site)),
        }
        for command in commands.values():
            seconds(*command)
        turns = [{name: seconds(*command) for name, command in commands.items()} for _ in range(rounds)]
    return {name: [turn[name] for turn in turns] for name in commands}


def main() -> None:
    rows = measure(COUNT, ROUNDS)
    print(f"{'':36}{'median':>8}{'highest':>9}")
    for name, found in rows.items():
        print(f"{name:36}{median(found):>6.3f} s{max(found):>7.3f} s")
    record = {"seconds": rows, "machine": machine.describe(), "versions": machine.versions()}
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
