"""The work in the process of one cell, which is forked, or started.

It is the other side of a process border, and imports nothing heavy before it can be stopped.
"""

import ctypes
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from padimkit.benchmark.cell import Cell

STAGE_BYTES = 32  # the name of the stage that the process is in, padded
_PR_SET_PDEATHSIG = 1


def away_from_here(module: str, function: str) -> tuple[str, ...]:
    """Return the command of a process that calls a function, without the working folder on its path.

    A statistics.py that lies there, beside a suite, would be taken for Python's own. `path_without_here`
    keeps it off the path that the environment names.
    """
    here = "import sys; sys.path = [folder for folder in sys.path if folder]"
    return (sys.executable, "-c", f"{here}; from {module} import {function}; {function}()")


def path_without_here(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with PYTHONPATH without entries that are empty: these are the working folder."""
    named = environment.get("PYTHONPATH", "").split(os.pathsep)
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, named))}


def run(cell: str, outcome: str, stage: str, places: str) -> None:
    """Run the cell, or the cells, of a file and write the outcome, or the error that left none, as JSON.

    Args:
        cell: The path of the cell, or of several over drawn embeddings, whose outcomes stand together.
        outcome: The path of the outcome.
        stage: The path of a file that holds the name of the stage that has begun.
        places: The path of the working folder, and of the place of what cells share, as JSON.
    """
    # Imported here, so that the process can be stopped while it imports.
    from padimkit.benchmark.cell import Shelf, read_cells
    from padimkit.benchmark.running.execution import execute
    from padimkit.errors import PadimkitError
    from padimkit.registry.blame import blamed

    with Path(stage).open("r+b") as file:

        def entered(name: str) -> None:
            file.seek(0)
            file.write(name.encode()[:STAGE_BYTES].ljust(STAGE_BYTES))
            file.flush()

        try:
            cells = read_cells(Path(cell))
            given = json.loads(Path(places).read_text(encoding="utf-8"))
            folder, shelf = Path(given["folder"]), given["shelf"]
            if cells[0].of_embeddings:
                found = _together(cells, entered, folder)
            else:
                found = execute(cells[0], entered, shelf and Shelf(**shelf), folder)
        except Exception as error:  # whatever a plugin raises is an outcome
            text = "" if isinstance(error, PadimkitError) else blamed(error)
            said = text or f"{type(error).__name__}: {error}"
            found = {"error": said, "traceback": traceback.format_exc()}
    Path(outcome).write_text(json.dumps(found), encoding="utf-8")


def _together(cells: "list[Cell]", entered: Callable[[str], None], folder: Path) -> dict[str, Any]:
    from padimkit.benchmark.running.together import measure_together

    return {"outcomes": measure_together(cells, entered, folder)}


def end_with(parent: int) -> None:
    """End this process with its parent (Linux only; elsewhere it ends with its cell, and nobody reads it)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the cell of the files that the command line names."""
    end_with(os.getppid())
    run(*sys.argv[1:])
