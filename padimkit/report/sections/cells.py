"""The table of all cells, which the page sorts and filters.

A section of its own, named by its template and by the list of sections.
"""

from typing import Any

from padimkit.benchmark.record import Record
from padimkit.report import formatting, links, verdicts
from padimkit.report.entries import Entry
from padimkit.report.protocols import protocol
from padimkit.report.study import Study
from padimkit.report.tables import ABSENT, Datum, Table

name = "cells"
title = "All cells"
COSTS = {
    formatting.LATENCY: "from file",
    formatting.ONE: "1 image",
    formatting.MANY: "of a batch",
    formatting.FIT: "fit",
    formatting.CALIBRATION: "calibration",
    formatting.PREPARE: "of it, preparation",
    formatting.PEAK_OWN: "peak without imports",
    formatting.PEAK: "peak memory",
    formatting.DEVICE: "device memory",
    formatting.HELD: "held",
    formatting.MODEL: "stored state",
    formatting.DISK: "on disk",
}


def build(study: Study) -> dict[str, Any]:
    """Return the table."""
    return {"table": cell_table(study)}


def tables(study: Study) -> tuple[Table, ...]:
    """Return none: it would be too long for a text, and CSV has a line for each cell."""
    return ()


def cell_table(study: Study) -> Table:
    """Return a row for each cell: names, metric values, costs; columns that no cell fills are left out."""
    costs = [cost for cost in COSTS if any(cost.of(entry.record) is not None for entry in study.entries)]
    varied = ("varied",) if any(entry.record.cell.varied for entry in study.entries) else ()
    judged = ("threshold", "promised") if any(entry.record.verdicts for entry in study.entries) else ()
    metrics = map(study.notation.caption, study.metrics)
    head = ("method", "data", "suite", "seed", "protocol", *varied, "state", *metrics, *judged)
    rows = tuple(
        _row(entry, study, costs, varied=bool(varied), judged=bool(judged)) for entry in study.entries
    )
    return Table(title, (*head, *(COSTS[cost] for cost in costs)), rows)


def _row(
    entry: Entry, study: Study, costs: list[formatting.Cost], *, varied: bool, judged: bool
) -> tuple[Datum, ...]:
    record, cell, target = entry.record, entry.record.cell, links.of_entry(entry)
    data = [
        Datum(cell.method, target=target),
        Datum(entry.place),
        Datum(cell.suite),
        Datum(str(cell.seed), float(cell.seed)),
    ]
    data.append(Datum(study.letters[protocol(record)]))
    data += [Datum(entry.varied)] if varied else []
    data.append(Datum(entry.state))
    data += [_quality(entry, metric, target, study) for metric in study.metrics]
    data += _threshold(record, target) if judged else []
    for cost in costs:
        value = cost.of(record)
        data.append(
            ABSENT if value is None else Datum(cost.text(value), value, target, note=_by(cost, record))
        )
    return tuple(data)


def _by(cost: formatting.Cost, record: Record) -> str:
    """Return the range of what several processes have measured."""
    found = cost.by_process(record)
    limits = cost.range_text((min(found), max(found))) if len(found) > 1 else ""
    return limits and f"{limits} by {len(found)} processes"


def _quality(entry: Entry, metric: str, target: str, study: Study) -> Datum:
    value = entry.record.metrics.get(metric)
    if value is not None:
        note = verdicts.counted(entry.record, metric)
        return Datum(study.notation.value(value), value, target, note=note)
    reason = entry.record.undefined.get(metric)
    return ABSENT if reason is None else Datum("undefined", note=reason)


def _threshold(record: Record, target: str) -> list[Datum]:
    """Return the threshold and the rate of false alarms that it promises."""
    found = record.verdicts
    if found is None:
        return [ABSENT, ABSENT]
    return [
        Datum(f"{found.threshold:.4g}", found.threshold, target),
        Datum(f"{found.promised:.2%}", found.promised, target),
    ]
