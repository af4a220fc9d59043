"""What the paper's text derives from its tables, beside the same of measured values.

It stands alone because each is of two numbers or of two tables: a row of a table has one.
"""

from collections.abc import Iterator, Sequence
from statistics import fmean

from padimkit.benchmark.record import Record
from padimkit.report import formatting
from padimkit.report.formats.markdown import escaped
from padimkit.report.formatting import Cost
from padimkit.report.paper.comparison import DATASETS, Row, beside, by_source, usable, words
from padimkit.report.paper.published import published, training_times

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
    if table == _COSTS[1]:
        yield from _held(records)


def _drops(records: Sequence[Record], rows: Sequence[Row]) -> Iterator[str]:
    """Yield the drop from Table III to Table VI, over the categories that both have.

    It is measured from all data of the same folder, resolution and number of training images.
    """
    printed = {
        (cell.method, cell.place, cell.metric): cell.value
        for cell in published(_ALIGNED)
        if cell.place in ("textures", "objects", "all")
    }
    aligned: dict[tuple[object, ...], list[Row]] = {}
    for row in beside(records, _ALIGNED):
        if row.measured is not None and not row.stand_in:
            aligned.setdefault(_key(row), []).append(row)
    yield "\nFrom aligned images (Table III) to these:\n"
    yield "| method | place | metric | printed drop | measured drop | from | to |"
    yield "|---|---|---|---:|---:|---|---|"
    for row in rows:
        before = printed.get((row.method, row.place, row.metric))
        of_paper = "none" if before is None or row.printed is None else f"{before - row.printed.value:.1f}"
        names = f"{escaped(row.method)} | {row.place} | {escaped(row.metric.replace('_', ' '))}, %"
        sources = [] if row.measured is None or row.stand_in else aligned.get(_key(row), [])
        for known in sources:
            assert known.measured is not None and row.measured is not None
            own = f"{known.measured.mean - row.measured.mean:.1f}"
            both = " | ".join(escaped(words(one.source, one.source.dataset)) for one in (known, row))
            yield f"| {names} | {of_paper} | {own} | {both} |"
        if not sources and of_paper != "none":
            yield f"| {names} | {of_paper} | none | | |"


def _key(row: Row) -> tuple[object, ...]:
    """Return what a row has in common with that of the other table: all but the name of the data set."""
    source = row.source
    of_source = source.root, source.resolution, source.train_images, source.drawn
    return row.method, row.place, row.metric, *of_source, row.categories


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


def _held(records: Sequence[Record]) -> Iterator[str]:
    """Yield what models hold while they score, which may be more or less than what is stored."""
    rows = [
        f"| {escaped(method)} | {fmean(found) / 1e9:.2g} | {escaped(words(source, source.dataset))} |"
        for source, those in by_source(usable(records)).items()
        for method in dict.fromkeys(record.cell.method for record in those)
        if (found := _known(formatting.HELD, those, method))
    ]
    if rows:
        yield "\nBytes above are of models as they are stored. While scoring they hold, in GB, as means:\n"
        yield "| method | held | measured on |"
        yield "|---|---:|---|"
        yield from rows


def _training(records: Sequence[Record]) -> Iterator[str]:
    """Yield the training times that the paper's text prints, beside whole fits."""
    yield "\nTraining, in seconds; measured are whole fits, as means over categories and seeds:\n"
    yield "| method | printed | of | on | measured | measured on |"
    yield "|---|---:|---|---|---:|---|"
    sources = by_source(usable(records))
    for one in training_times():
        names = " | ".join(map(escaped, (f"{one.of} of {one.data}", one.machine)))
        found = {
            source: known
            for source, those in sources.items()
            if source.dataset == DATASETS[one.data] and (known := _known(formatting.FIT, those, one.method))
        }
        for source, known in found.items():
            own = f"{fmean(known):.1f} | {escaped(words(source))}"
            yield f"| {escaped(one.method)} | {one.seconds:g} | {names} | {own} |"
        if not found:
            yield f"| {escaped(one.method)} | {one.seconds:g} | {names} | none | |"


def _known(cost: Cost, records: Sequence[Record], method: str) -> list[float]:
    """Return the latest value of each category and seed."""
    values = {
        (record.cell.category, record.cell.seed): value
        for record in records
        if record.cell.method == method and (value := cost.of(record)) is not None
    }
    return list(values.values())
