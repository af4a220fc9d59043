"""Measured values beside one of the PaDiM paper's tables, as Markdown.

A format of its own, for `--paper`; the other formats show a study by its own tables.
"""

import math
from collections.abc import Iterator, Sequence

from padimkit.errors import BadData
from padimkit.report.formats.markdown import escaped
from padimkit.report.paper.comparison import Row, beside, replaced
from padimkit.report.paper.derived import derived
from padimkit.report.paper.model_bytes import TABLES, arithmetic
from padimkit.report.paper.published import published, source, title
from padimkit.report.study import Study

_UNITS = {"seconds": "s", "gigabytes": "GB"}


def as_paper_table(study: Study, table: int) -> str:
    """Return a line for each value that is printed or measured, with the difference and all doubts.

    ± is the sample standard deviation over seeds of the mean over categories, SEM its standard error. After
    the table come the drop from aligned images, multiples of costs and training times, where the paper has
    them, and the paper's arithmetic of bytes after tables of time and memory.

    Raises:
        BadArgument: The paper has no such table.
        BadData: No finished record has a metric of the table.
    """
    records = [entry.record for entry in study.entries]
    rows = beside(records, table)
    if not rows:
        metrics = " or ".join(dict.fromkeys(_metric(cell.metric) for cell in published(table)))
        raise BadData(f"Table {table} of the PaDiM paper has {metrics}; no finished record has that.")
    counted = arithmetic() if table in TABLES else ()
    lines = [*_lines(rows, table), *_care(replaced(records, rows))]
    return "\n".join([*lines, *derived(records, rows, table), *counted]) + "\n"


def _care(methods: Sequence[str]) -> Iterator[str]:
    if methods:
        yield (
            "\nOf several records of one method, data, category and seed the latest counts: "
            f"{escaped(', '.join(methods))}. Give different things different names."
        )


def _lines(rows: tuple[Row, ...], table: int) -> Iterator[str]:
    yield f"Table {table}: {escaped(title(table))}. Printed: {escaped(source())}\n"
    yield "| method | place | metric | printed | measured | difference | measured on |"
    yield "|---|---|---|---:|---:|---:|---|"
    doubts: list[str] = []
    several = len({cell.data for cell in published(table)}) > 1
    for row in rows:
        place = f"{row.place} of {row.data}" if several else row.place
        yield f"| {' | '.join(_cells(row, place, doubts))} |"
    if any(row.stand_in for row in rows):
        about = " and ".join(dict.fromkeys(row.data for row in rows))
        yield f"\nData other than those of the table ({about}) were measured: the differences say little."
    yield "\nNo record can tell whether the measured images are those of the paper; their folder is named."
    yield from (f"\n({number}) {escaped(doubt)}" for number, doubt in enumerate(doubts, 1))


def _cells(row: Row, place: str, doubts: list[str]) -> Iterator[str]:
    digits = _digits(row)
    yield from (escaped(row.method), escaped(place))
    yield f"{_metric(row.metric)}, {_UNITS.get(row.metric, '%')}"
    yield _printed(row, doubts)
    if row.measured is None:
        yield "none"
    else:
        found = row.measured
        errors = f"SEM {found.error:.{digits + 1}f}, n = {found.count}"
        spread = f" ± {found.deviation:.{digits}f} ({errors})" if found.count > 1 else ""
        yield f"{found.mean:.{digits}f}{spread}"
    yield "none" if row.difference is None else f"{row.difference:+.{digits}f}"
    yield escaped(_measured_on(row))


def _digits(row: Row) -> int:
    """Return how many digits stand after the point: as many as leave two of a small value that count."""
    usual = 3 if row.metric in _UNITS else 1
    value = row.measured.mean if row.measured is not None else 0.0
    return usual if value <= 0 or round(value, usual) else 1 - math.floor(math.log10(value))


def _metric(name: str) -> str:
    return name.replace("_", " ")


def _measured_on(row: Row) -> str:
    """Name the source and the categories."""
    return ": ".join(filter(None, (row.measured_on, ", ".join(filter(None, row.categories)))))


def _printed(row: Row, doubts: list[str]) -> str:
    if row.printed is None:
        return "none"
    if not row.printed.doubt:
        return f"{row.printed.value:g}"
    if row.printed.doubt not in doubts:
        doubts.append(row.printed.doubt)
    return f"{row.printed.value:g} ({doubts.index(row.printed.doubt) + 1})"
