"""Runs what a suite has planned, and keeps a record of each cell as soon as it is there."""

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from padimkit.benchmark.engine import records_beside
from padimkit.benchmark.process import run_cell
from padimkit.benchmark.record import Record
from padimkit.benchmark.store import read, write
from padimkit.benchmark.suite import Planned, Suite
from padimkit.errors import BadOutput


def remaining(suite: Suite, folder: Path, *, retry_failed: bool) -> list[Planned]:
    """The cells without a record in the folder; failed ones too if they are to be tried again."""
    return [one for one in suite.planned if _wanted(one, folder, retry_failed=retry_failed)]


@contextmanager
def only_runner(folder: Path) -> Iterator[None]:
    """Keeps others from running cells into the folder at the same time; a runner that dies lets go.

    Raises:
        BadOutput: Another one does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".running").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BadOutput(
                f'Another run is writing records to "{folder}". Wait for it, or end it.'
            ) from error
        yield


def run_suite(suite: Suite, planned: Iterable[Planned], folder: Path) -> Iterator[Record]:
    """Runs these cells and yields their records, each after it has been written.

    Cells whose time is measured run one by one, before the others, and nothing runs beside them.

    Raises:
        BadOutput: A record cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    timed = [one for one in planned if "time" in one.cell.measure]
    others = [one for one in planned if "time" not in one.cell.measure]
    for one in timed:
        yield _written(run_cell(one.cell, one.facts, suite.limits), folder)
    if others:
        for record in records_beside(others, suite.limits, suite.engine):
            yield _written(record, folder)


def _wanted(planned: Planned, folder: Path, *, retry_failed: bool) -> bool:
    path = folder / f"{planned.key}.json"
    if not path.exists():
        return True
    record = read(path)
    names = {name: getattr(planned.cell, name) for name in ("suite", "method", "dataset", "category")}
    renamed = replace(record, **names)
    if renamed != record:  # the same work under another name
        write(renamed, folder)
    return retry_failed and record.failure is not None


def _written(record: Record, folder: Path) -> Record:
    write(record, folder)
    return record
