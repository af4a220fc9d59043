"""Calls of one function in a process of its own, so that no measurement inherits memory or caches.

`python -m benchmarks.fresh MODULE:FUNCTION ARGUMENTS RESULT` is the other end: it calls the function with the
arguments (JSON) and writes its result (JSON) into the file RESULT.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Failed(Exception):
    """An error that ended the process; the message holds the end of its standard error."""


def call(
    python: str, function: str, arguments: dict[str, Any], *, threads: int, **environment: str
) -> dict[str, Any]:
    """Return the function's result, and under "process_seconds" the time from start to end of its process.

    Args:
        python: The interpreter, and with it the packages.
        function: "module:function", importable from the root of the repository.
        arguments: Its keyword arguments.
        threads: For OpenMP, MKL and torch.
        environment: Variables of the process beside the usual ones.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [python, "-m", "benchmarks.fresh", function, json.dumps(arguments), str(result)]
        start = time.perf_counter()
        process = subprocess.run(
            command,
            cwd=ROOT,
            env=_environment(threads) | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - start
        if process.returncode != 0:
            raise Failed(f"{function} failed in {python}:\n{process.stderr[-3000:]}")
        return json.loads(result.read_text()) | {"process_seconds": seconds}


def _environment(threads: int) -> dict[str, str]:
    own = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    return os.environ | own | {"HF_HUB_OFFLINE": "1"}  # neither program may spend its time on the network


def main() -> None:
    import torch

    function, arguments, result = sys.argv[1:]
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    module, name = function.split(":")
    returned = getattr(import_module(module), name)(**json.loads(arguments))
    Path(result).write_text(json.dumps(returned))


if __name__ == "__main__":
    main()
