"""Tables of the costs of methods, for documents without plots.

They stand apart from the trade-offs, whose plots need a quality beside each cost.
"""

from collections.abc import Sequence

from padimkit.report import formatting, links
from padimkit.report.formatting import Cost
from padimkit.report.points import RANGES, between
from padimkit.report.protocols import OF_COSTS, Protocol, mixture
from padimkit.report.scoreboards import Row, rows_of
from padimkit.report.study import Study, unique
from padimkit.report.tables import ABSENT, Datum, Table

_EXPLAINED = (
    "Medians, as means over seeds and then over the categories.",
    "Multiples are of the least in a column and protocol.",
)


def cost_table(study: Study, dataset: str, costs: Sequence[Cost], caption: str) -> Table | None:
    """Return the costs of all methods on a data set that were measured, each with its multiple of the least.

    They are of the categories that all methods have finished.
    """
    rows = [row for row in rows_of(study, dataset) if any(map(row.finished, row.entries))]
    categories = unique(sorted(category for row in rows for category in row.entries))
    shared = [category for category in categories if all(row.finished(category) for row in rows)]
    columns = {cost: [row.mean(shared, cost.of) for row in rows] for cost in costs}
    known = {cost: values for cost, values in columns.items() if any(one is not None for one in values)}
    if not known:
        return None
    ranges = {cost: [between(row, shared, cost) for row in rows] for cost in known}
    least = {cost: _least(values, rows) for cost, values in known.items()}
    data = tuple(
        (
            Datum(row.method, target=links.of_row(row)),
            Datum(study.letters[row.protocol]),
            *(
                _datum(
                    cost,
                    values[number],
                    ranges[cost][number],
                    least[cost].get(row.protocol, 0.0),
                    links.of_row(row),
                )
                for cost, values in known.items()
            ),
        )
        for number, row in enumerate(rows)
    )
    others = [category for category in categories if category not in shared]
    lacking = (f"Left out, since a method lacks them: {', '.join(others)}.",) if others else ()
    notes = (*mixture((row.protocol for row in rows), study.letters, OF_COSTS), *lacking)
    head = ("method", "protocol", *(cost.label for cost in known))
    several = (RANGES,) if any(limits for column in ranges.values() for limits in column) else ()
    return Table(caption, head, data, notes, explained=(*_EXPLAINED, *several))


def _least(values: Sequence[float | None], rows: Sequence[Row]) -> dict[Protocol, float]:
    """Return the least value of each protocol."""
    found: dict[Protocol, float] = {}
    for value, row in zip(values, rows, strict=True):
        if value is not None:
            found[row.protocol] = min(value, found.get(row.protocol, value))
    return found


def _datum(
    cost: Cost, value: float | None, limits: tuple[float, float] | None, least: float, target: str
) -> Datum:
    if value is None:
        return ABSENT
    multiple = f"{formatting.ratio(value / least)} times" if value > least > 0 else ""
    beside = "; ".join(filter(None, [cost.range_text(limits) if limits else "", multiple]))
    return Datum(cost.text(value) + (f" ({beside})" if beside else ""), value, target)
