"""What the paper's text derives from its tables, beside the same of measured values.

It stands alone because each is of two numbers or of two tables: a row of a table has one.
"""

from collections.abc import Iterator, Sequence
from statistics import fmean

from padimkit.benchmark.record import Record
from padimkit.report import formatting
from padimkit.report.formats.markdown import escaped
from padimkit.report.paper.comparison import DATASETS, Row, beside
from padimkit.report.paper.published import published, training_times
from padimkit.report.protocols import kind_of_data

_ALIGNED, _SHIFTED = 3, 6
_COSTS = (7, 8)
_REFERENCE = "PaDiM-WR50-Rd550"  # SPADE has the same backbone: "about seven times slower"


def derived(records: Sequence[Record], rows: Sequence[Row], table: int) -> Iterator[str]:
    """Yield, as Markdown, what follows from a table of the paper and from the rows measured beside it."""
    if table == _SHIFTED:
        yield from _drops(records, rows)
    if table in _COSTS:
        yield from _multiples(rows, table)
    if table == _COSTS[0]:
        yield from _training(records)


def _drops(records: Sequence[Record], rows: Sequence[Row]) -> Iterator[str]:
    """Yield the drop from Table III to Table VI, over the categories that both have."""
    printed = {
        (cell.method, cell.place, cell.metric): cell.value
        for cell in published(_ALIGNED)
        if cell.place in ("textures", "objects", "all")
    }
    aligned = {_key(row): row.measured for row in beside(records, _ALIGNED) if not row.stand_in}
    yield "\nFrom aligned images (Table III) to these:\n"
    yield "| method | place | metric | printed drop | measured drop |"
    yield "|---|---|---|---:|---:|"
    for row in rows:
        before = printed.get((row.method, row.place, row.metric))
        known, now = aligned.get(_key(row)), row.measured
        of_paper = "none" if before is None or row.printed is None else f"{before - row.printed.value:.1f}"
        own = "none" if known is None or now is None or row.stand_in else f"{known.mean - now.mean:.1f}"
        if of_paper != "none" or own != "none":
            metric = escaped(row.metric.replace("_", " "))
            yield f"| {escaped(row.method)} | {row.place} | {metric}, % | {of_paper} | {own} |"


def _key(row: Row) -> tuple[object, ...]:
    """Return what a row has in common with that of the other table: all but the name of the data set."""
    return row.method, row.place, row.metric, row.source.root, row.source.resolution, row.categories


def _multiples(rows: Sequence[Row], table: int) -> Iterator[str]:
    """Yield each method's cost over that of the reference, on the same data."""
    yield f"\nCosts as multiples of those of {_REFERENCE}:\n"
    yield "| method | data | printed | measured | measured on |"
    yield "|---|---|---:|---:|---|"
    printed = {(cell.method, cell.data): cell.value for cell in published(table)}
    for row in rows:
        here = [one for one in rows if (one.source, one.data, one.place) == (row.source, row.data, row.place)]
        reference = next((one.measured for one in here if one.method == _REFERENCE), None)
        least = printed.get((_REFERENCE, row.data))
        of_paper = "none" if row.printed is None or not least else f"{row.printed.value / least:.2g}"
        own = (
            "none"
            if row.measured is None or reference is None or not reference.mean
            else f"{row.measured.mean / reference.mean:.2g}"
        )
        if row.method != _REFERENCE and (of_paper != "none" or own != "none"):
            names = escaped(row.method), escaped(row.data), of_paper, own, escaped(row.measured_on)
            yield f"| {' | '.join(names)} |"


def _training(records: Sequence[Record]) -> Iterator[str]:
    """Yield the training times that the paper's text prints, beside whole fits."""
    yield "\nTraining, in seconds; measured are whole fits, as means over categories and seeds:\n"
    yield "| method | printed | of | on | measured |"
    yield "|---|---:|---|---|---:|"
    for one in training_times():
        found = [
            formatting.FIT.of(record)
            for record in records
            if record.failure is None
            and not record.cell.varied
            and record.cell.method == one.method
            and kind_of_data(record) == DATASETS[one.data]
        ]
        known = [value for value in found if value is not None]
        own = f"{fmean(known):.1f}" if known else "none"
        names = map(escaped, (f"{one.of} of {one.data}", one.machine))
        yield f"| {escaped(one.method)} | {one.seconds:g} | {' | '.join(names)} | {own} |"
