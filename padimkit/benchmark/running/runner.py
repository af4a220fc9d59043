"""The runner of a suite, which writes a record of each cell as soon as it is there.

It stands apart from its command, so that a suite can be run from Python too.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from padimkit.benchmark.cell import Planned
from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.record import Record
from padimkit.benchmark.running.engine import records_beside
from padimkit.benchmark.running.process import run_together
from padimkit.benchmark.running.rounds import has_failed, lacks_processes, run_in_rounds
from padimkit.benchmark.running.sharing import sharing
from padimkit.benchmark.store import Plan, read, write
from padimkit.files import only_holder


def remaining(suite: Suite, folder: Path, *, retry_failed: bool) -> list[Planned]:
    """Return the cells without a record in the folder, and failed ones if they are to be tried again.

    Those whose times are of fewer processes than the suite asks for are among them.
    """
    done = {
        planned.key
        for planned, record in _known(suite.planned, folder)
        if not (retry_failed if has_failed(record) else lacks_processes(planned.cell, record))
    }
    return [one for one in suite.planned if one.key not in done]


@contextmanager
def only_runner(folder: Path) -> Iterator[None]:
    """Keep others from running cells into the folder at the same time; the lock ends with this process.

    Raises:
        BadOutput: Another run is writing to the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with only_holder(
        folder / ".running", f'Another run is writing records to "{folder}". Wait for it, or end it.'
    ):
        yield


def run_suite(suite: Suite, planned: Iterable[Planned], folder: Path) -> Iterator[Record]:
    """Run these cells and yield their records, each after it has been written.

    Cells whose time is measured run one by one, before the others, in rounds of random order, and nothing
    runs beside them; each has a record after its first process, which further ones replace. Those over drawn
    embeddings run in one process for each method and quantity that is varied.

    Raises:
        BadOutput: A record cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    planned, work = list(planned), folder.absolute() / "work"
    drawn = [one for one in planned if one.cell.of_embeddings]
    timed = [one for one in planned if "time" in one.cell.measure and not one.cell.of_embeddings]
    others = [one for one in planned if "time" not in one.cell.measure and not one.cell.of_embeddings]
    for _, line in groupby(drawn, lambda one: (one.cell.method, *one.cell.varied)):
        for record in run_together([(one.cell, one.facts) for one in line], suite.limits):
            yield _written(record, folder)
    begun = ((one.key, known) for one, known in _known(timed, folder) if lacks_processes(one.cell, known))
    measured = {key: known for key, known in begun if known.processes}
    for record in run_in_rounds(timed, suite.limits, suite.name, measured, work):
        yield _written(record, folder)
    with sharing(others, suite.features, folder) as shared:
        for record in records_beside(others, suite.limits, suite.engine, shared, work) if others else ():
            shared.finish(record.key)
            yield _written(record, folder)
    with suppress(OSError):  # cells that have failed, or parts that keep files, need it
        work.rmdir()


def failures(suite: Suite, folder: Path) -> int:
    """Return the number of the suite's cells that have failed, or a further process of which has."""
    return sum(has_failed(record) for _, record in _known(suite.planned, folder))


def adopt_names(suite: Suite, folder: Path) -> None:
    """Write the suite's plan, and rename existing records of the same cells to this suite's names."""
    Plan(suite.name, {one.key: one.cell.title for one in suite.planned}).write(folder)
    rename_records(suite, folder)


def rename_records(suite: Suite, folder: Path) -> None:
    """Rename existing records of the suite's cells to its names, and give them their keys of this version."""
    for planned, record in _known(suite.planned, folder):
        if (record.key, record.cell) != (planned.key, planned.cell):
            write(replace(record, key=planned.key, cell=planned.cell, facts=planned.facts), folder)
        if (older := planned.cell.older_key(planned.facts)) != planned.key:
            (folder / f"{older}.json").unlink(missing_ok=True)  # also where a run was killed before it did so


def _known(cells: Iterable[Planned], folder: Path) -> Iterator[tuple[Planned, Record]]:
    """Yield the cells that have a record, which may be one of an earlier version."""
    for planned in cells:
        keys = planned.key, planned.cell.older_key(planned.facts)
        path = next((path for key in keys if (path := folder / f"{key}.json").exists()), None)
        if path is not None:
            yield planned, read(path)


def _written(record: Record, folder: Path) -> Record:
    write(record, folder)
    return record
