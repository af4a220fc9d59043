"""Peak memory of a fit against the number of training images: it must not grow.

Each number of images is fitted in a process of its own. The program prints a table and writes a record.
"""

import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

COUNTS = (100, 200, 500, 1000)
RECORD = Path(__file__).parent / "records" / "memory.json"


def fit(count: int, root: str) -> dict[str, float]:
    """Fit the embedded default on `count` images, which repeat, and measure this process."""
    from padimkit import Reader, Sample, load_recipe

    paths = sorted(Path(root).glob("texture/train/good/*.png"))
    pipeline = load_recipe("padim-filter-bank")
    samples = [Sample(paths[index % len(paths)], anomalous=False) for index in range(count)]
    start = time.perf_counter()
    pipeline.fit(Reader(pipeline.preprocessing).batches(samples))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
    return {"images": count, "peak_mib": round(peak, 1), "seconds": round(seconds, 1)}


def main() -> None:
    from padimkit.datasets.synthetic.dataset import Synthetic

    with tempfile.TemporaryDirectory() as root:
        Synthetic(Path(root)).train()
        rows = []
        print(f"{'images':>8}{'peak MiB':>12}{'seconds':>10}")
        for count in COUNTS:
            command = [sys.executable, __file__, str(count), root]
            row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            rows.append(row)
            print(f"{row['images']:>8}{row['peak_mib']:>12.1f}{row['seconds']:>10.1f}", flush=True)
    growth = rows[-1]["peak_mib"] / rows[0]["peak_mib"]
    print(f"{COUNTS[-1]} images take {growth:.3f} times the memory of {COUNTS[0]}.")
    RECORD.parent.mkdir(exist_ok=True)
    versions = {name: version(name) for name in ("padimkit", "torch", "numpy")}
    record = {"rows": rows, "growth": growth, "versions": versions, "platform": platform.platform()}
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(fit(int(sys.argv[1]), sys.argv[2])))
    else:
        main()
