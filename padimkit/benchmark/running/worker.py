"""The work in the process of one cell, which is forked, or started as `python -m` with this module.

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


def run(cell: str, outcome: str, stage: str) -> None:
    """Run the cell of a file and write its outcome, or the error that left none, as JSON.

    Args:
        cell: The path of the cell.
        outcome: The path of the outcome.
        stage: The path of a file that holds the name of the stage that has begun.
    """
    # Imported here, so that the process can be stopped while it imports.
    from padimkit.benchmark.cell import Cell
    from padimkit.benchmark.running.execution import execute

    with Path(stage).open("r+b") as file:

        def entered(name: str) -> None:
            file.seek(0)
            file.write(name.encode()[:STAGE_BYTES].ljust(STAGE_BYTES))
            file.flush()

        try:
            found = execute(Cell.read(Path(cell)), entered)
        except Exception as error:  # whatever a plugin raises is an outcome
            found = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    Path(outcome).write_text(json.dumps(found), encoding="utf-8")


def end_with(parent: int) -> None:
    """End this process with its parent (Linux only; elsewhere it ends with its cell, and nobody reads it)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    end_with(os.getppid())
    run(*sys.argv[1:])
