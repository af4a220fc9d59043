"""The process of one cell: `python -m padimkit.benchmark.running.worker CELL OUTCOME STAGE`.

It is the other side of a process border, and imports nothing heavy before it can be stopped.
"""

import ctypes
import json
import os
import signal
import sys
import traceback
from pathlib import Path

STAGE_BYTES = 32  # the name of the stage that the process is in, padded
_PR_SET_PDEATHSIG = 1


def main(cell: str, outcome: str, stage: str) -> None:
    """Run the cell and write its outcome, or the error that left none, as JSON."""
    _die_with_the_runner()
    # Imported here, so that the process can be stopped while it imports.
    from padimkit.benchmark.cell import Cell
    from padimkit.benchmark.running.execution import execute

    with Path(stage).open("r+b") as file:
        handle = file.fileno()

        def entered(name: str) -> None:
            os.pwrite(handle, name.encode()[:STAGE_BYTES].ljust(STAGE_BYTES), 0)

        try:
            found = execute(Cell.read(Path(cell)), entered)
        except Exception as error:  # whatever a plugin raises is an outcome
            found = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    Path(outcome).write_text(json.dumps(found), encoding="utf-8")


def _die_with_the_runner() -> None:
    """End this process with its runner (Linux only; elsewhere it ends with its cell, and nobody reads it)."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
