"""A process for one cell, with limits: whatever happens to it becomes a record."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from padimkit.benchmark.cell import Cell, Facts, Limits, Shelf, write_cells
from padimkit.benchmark.record import Cause, Failure, Record
from padimkit.benchmark.running.forked import Process, start
from padimkit.benchmark.running.worker import STAGE_BYTES
from padimkit.benchmark.store import from_fields
from padimkit.stages import START

_LOOK = 0.05  # seconds between two looks at the process
_LAST = 4000  # characters of standard error that a record keeps


def run_cell(
    cell: Cell, facts: Facts, limits: Limits, shelf: Shelf | None = None, folder: Path | None = None
) -> Record:
    """Run the cell and return its record, or the record of its failure.

    Args:
        cell: The cell.
        facts: Those of its data.
        limits: What it may take.
        shelf: The place of images and features that it shares with others; None to compute all of them.
        folder: Its working folder, which stays after a failure; None for one of the name of its key that ends
            with its process.
    """
    if cell.of_embeddings:
        return next(iter(run_together([(cell, facts)], limits)))
    begun, start = _now(), time.perf_counter()
    outcome, _ = _outcome(cell.write, limits, shelf, folder or Path(cell.key(facts)))
    return _record(cell, facts, {"begun": begun, "took": round(time.perf_counter() - start, 3)} | outcome)


def run_together(cells: Sequence[tuple[Cell, Facts]], limits: Limits) -> Iterator[Record]:
    """Run cells over drawn embeddings in one process, and yield their records when it ends.

    A cell at which the process is stopped or killed has failed, and the others run again without it. They
    share the time of all of them.
    """
    left = list(cells)
    while left:
        begun, shared = _now(), [cell for cell, _ in left]
        timeout = None if limits.timeout is None else limits.timeout * len(left)
        outcome, running = _outcome(partial(write_cells, shared), replace(limits, timeout=timeout))
        if "outcomes" in outcome:
            for (cell, facts), one in zip(left, outcome["outcomes"], strict=True):
                yield _record(cell, facts, {"begun": begun} | (_error(one) if "error" in one else one))
            return
        cell, facts = left.pop(min(running, len(left) - 1))
        yield _record(cell, facts, {"begun": begun} | outcome)


def _record(cell: Cell, facts: Facts, outcome: dict[str, Any]) -> Record:
    known = {"key": cell.key(facts), "cell": asdict(cell), "facts": asdict(facts)}
    try:
        return from_fields(known | outcome)
    except TypeError as error:  # a plugin has returned something that no record can hold
        return from_fields(known | _failed("error", f"Its outcome is not a record: {error}.", "", ""))


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def stop_running() -> None:
    """End the processes of all cells that this process waits for: an interrupt reaches one thread only."""
    for process in _RUNNING.copy():
        process.kill()


_RUNNING: set[Process] = set()


def _outcome(
    write: Callable[[Path], None], limits: Limits, shelf: Shelf | None = None, work: Path | None = None
) -> tuple[dict[str, Any], int]:
    """Return the outcome of a process whose cells `write` writes, and the number of the one it was at.

    A working folder that is not absolute is made for the process. Its name is its own in any case, since
    parts that write elsewhere get a folder of that name there.
    """
    with tempfile.TemporaryDirectory(prefix="padimkit-cell-") as folder:
        write(Path(folder) / "cell.json")
        places = {"shelf": shelf and asdict(shelf), "folder": str(Path(folder) / (work or Path(folder).name))}
        (Path(folder) / "places.json").write_text(json.dumps(places), encoding="utf-8")
        return _ended(Path(folder), limits)


def _ended(folder: Path, limits: Limits) -> tuple[dict[str, Any], int]:
    names, stderr = ("cell.json", "outcome.json", "stage", "places.json"), folder / "stderr"
    files = [folder / name for name in names]
    files[2].write_bytes(START.encode().ljust(STAGE_BYTES))
    stderr.touch()
    process = start(files, stderr, _environment(limits.threads))
    _RUNNING.add(process)
    try:
        cause = _watched(process, limits)
    finally:
        _RUNNING.discard(process)
        process.kill()
        status = process.wait()
    said = stderr.read_text(encoding="utf-8", errors="replace")[-_LAST:]
    number, stage = _place(files[2].read_bytes().decode(errors="replace").strip())
    if cause is not None:
        return _failed(*cause, said, stage), number
    if status != 0 or not files[1].exists():
        return _failed("killed", _ending(status), said, stage), number
    found: dict[str, Any] = json.loads(files[1].read_text(encoding="utf-8"))
    if "error" in found:
        return _error(found | {"stage": stage}), number
    return found, number


def _place(text: str) -> tuple[int, str]:
    """Return the number of the cell, 0 where there is only one, and the stage that a process was in."""
    number, _, stage = text.partition(" ")
    return (int(number), stage) if number.isdigit() else (0, text)


def _watched(process: Process, limits: Limits) -> tuple[Cause, str] | None:
    """Wait for the process; return the reason if it had to be stopped."""
    end = None if limits.timeout is None else time.monotonic() + limits.timeout
    while True:
        try:
            process.wait(_LOOK)
            return None
        except subprocess.TimeoutExpired:
            used = 0 if limits.memory is None else _resident(process.pid)
        if limits.memory is not None and used > limits.memory:
            return "memory", f"It took {used / 1e9:.2f} GB, more than the {limits.memory / 1e9:g} GB it may."
        if end is not None and time.monotonic() > end:
            return "timeout", f"It took longer than the {limits.timeout:g} seconds it may."


def _resident(process: int) -> int:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="utf-8").split()[1])
    except OSError:  # it has just ended
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _ending(status: int) -> str:
    if status < 0 and signal.Signals(-status).name == "SIGKILL":  # Windows does not have it
        return "It was killed, as the system does where memory is short."
    if status < 0:
        return f"It was ended by the signal {signal.Signals(-status).name}."
    return f"It ended with status {status} and left no outcome."


def _error(found: dict[str, str]) -> dict[str, Any]:
    return _failed("error", found["error"], found["traceback"], found["stage"])


def _failed(cause: Cause, message: str, trace: str, stage: str) -> dict[str, Any]:
    return {"failure": asdict(Failure(cause, message, trace, stage))}


def _environment(threads: int | None) -> dict[str, str]:
    if threads is None:
        return dict(os.environ)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return os.environ | {name: str(threads) for name in names}
