"""Cells whose time is measured: several processes for each, in rounds of random order.

A process keeps what chance gave it, such as places in memory, for all its measurements: repeats within it
tell nothing of that, further processes do. In a round each cell has its turn, so that a machine that becomes
slower makes all of them slower.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from padimkit.benchmark.cell import Cell, Limits, Planned
from padimkit.benchmark.record import Record
from padimkit.benchmark.running.conditions import conditions, stolen_between, ticks
from padimkit.benchmark.running.process import run_cell
from padimkit.benchmark.running.timing import spread_of
from padimkit.benchmark.times import TimedProcess

_TRIES = 3  # for each process, until the machine keeps its speed


def lacks_processes(cell: Cell, record: Record) -> bool:
    """Return whether the times of a record are of fewer processes than its cell asks for by now."""
    is_timed = "time" in cell.measure and not cell.of_embeddings
    return is_timed and record.failure is None and max(1, len(record.processes)) < cell.processes


def has_failed(record: Record) -> bool:
    """Return whether a cell, or a further process of it, has failed."""
    return record.failure is not None or record.interrupted is not None


def run_in_rounds(
    planned: Sequence[Planned], limits: Limits, order: str, begun: Mapping[str, Record], work: Path
) -> Iterator[Record]:
    """Yield the record of a cell after each of its processes, which holds all of them so far.

    Args:
        planned: The cells.
        limits: What each process may take.
        order: A text that fixes the order within each round.
        begun: By their keys, records of cells that lack processes; the others begin anew.
        work: The folder of their working folders.
    """
    records, drawn = dict(begun), random.Random(order)
    for number in range(max((one.cell.processes for one in planned), default=0)):
        for one in drawn.sample(planned, len(planned)):
            record = records.get(one.key)
            is_due = record is None or (record.failure is None and len(record.processes) == number)
            if is_due and number < one.cell.processes:
                records[one.key] = _measured(one, record, limits, work)
                yield records[one.key]


def _measured(planned: Planned, record: Record | None, limits: Limits, work: Path) -> Record:
    """Return the record with another process; further tries, like further processes, measure times only.

    Of several tries those count that have not failed; a further process that fails takes nothing from the
    record of those before it.
    """
    whole = planned.cell if record is None else planned.cell.timed_alone
    folder = work / planned.key  # of further processes too, whose cells have other keys
    tries = [_tried(replace(planned, cell=whole), limits, folder)]
    while tries[-1][1].is_disturbed and tries[-1][0].failure is None and len(tries) < _TRIES:
        tries.append(_tried(replace(planned, cell=planned.cell.timed_alone), limits, folder))
    first, took = tries[0][0], round(sum(found.took for found, _ in tries), 3)
    if first.failure is not None and record is not None:
        return replace(record, cell=planned.cell, interrupted=first.failure, took=record.took + took)
    if first.failure is not None:
        return replace(first, key=planned.key, cell=planned.cell, took=took)
    good = [one for one in tries if one[0].failure is None]
    found, process = min(good, key=lambda one: one[1].drift)
    process = replace(process, tries=len(tries))
    if record is None:
        repeats = first.repeats | found.repeats
        return replace(_with_repeats(first, repeats), processes=(process,), took=took)
    repeats = {name: known + found.repeats.get(name, ()) for name, known in record.repeats.items()}
    return replace(
        _with_repeats(record, repeats),
        cell=planned.cell,
        processes=(*record.processes, process),
        interrupted=None,
        took=record.took + took,
    )


def _tried(planned: Planned, limits: Limits, folder: Path) -> tuple[Record, TimedProcess]:
    before, since = conditions(limits.threads), ticks()
    found = run_cell(planned.cell, planned.facts, limits, folder=folder)
    stolen, after = stolen_between(since, ticks()), conditions(limits.threads)
    medians = {name: spread.median for name, spread in found.seconds.items()}
    return found, TimedProcess(medians, before, after, stolen)


def _with_repeats(record: Record, repeats: Mapping[str, tuple[float, ...]]) -> Record:
    spreads = {name: spread_of(values) for name, values in repeats.items()}
    return replace(record, repeats=dict(repeats), seconds=spreads)
