"""The table of all cells, which the page sorts and filters."""

from padimkit.report import formatting, links
from padimkit.report.entries import Cell
from padimkit.report.protocols import protocol
from padimkit.report.study import Study
from padimkit.report.tables import ABSENT, Datum, Table

COSTS = {
    formatting.ONE: "1 image",
    formatting.MANY: "of a batch",
    formatting.FIT: "fit",
    formatting.PEAK: "peak memory",
    formatting.DEVICE: "device memory",
    formatting.MODEL: "model",
    formatting.DISK: "on disk",
}


def cell_table(study: Study) -> Table:
    """A row per cell: what it is, its figures, its costs; columns that no cell fills are left out."""
    costs = [cost for cost in COSTS if any(cost.of(cell.record) is not None for cell in study.cells)]
    varied = ("varied",) if any(cell.record.varied for cell in study.cells) else ()
    head = ("method", "data", "suite", "seed", "protocol", *varied, "state", *study.metrics)
    rows = tuple(_row(cell, study, costs, varied=bool(varied)) for cell in study.cells)
    return Table("All cells", (*head, *(COSTS[cost] for cost in costs)), rows)


def _row(cell: Cell, study: Study, costs: list[formatting.Cost], *, varied: bool) -> tuple[Datum, ...]:
    record, target = cell.record, links.of_cell(cell)
    data = [
        Datum(record.method, target=target),
        Datum(cell.place),
        Datum(record.suite),
        Datum(str(record.seed), float(record.seed)),
    ]
    data.append(Datum(study.letters[protocol(record)]))
    data += [Datum(cell.varied)] if varied else []
    data.append(Datum(cell.state))
    data += [_quality(cell, metric, target) for metric in study.metrics]
    for cost in costs:
        value = cost.of(record)
        data.append(ABSENT if value is None else Datum(cost.text(value), value, target))
    return tuple(data)


def _quality(cell: Cell, metric: str, target: str) -> Datum:
    value = cell.record.metrics.get(metric)
    if value is not None:
        return Datum(formatting.quality(value), value, target)
    reason = cell.record.undefined.get(metric)
    return ABSENT if reason is None else Datum("undefined", note=reason)
