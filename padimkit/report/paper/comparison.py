"""Measured values beside those that the PaDiM paper prints."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from padimkit.benchmark.record import Record
from padimkit.report import formatting
from padimkit.report.paper.published import GROUPS, PublishedCell, published
from padimkit.report.protocols import folder, is_held_out, kind_of_data, resolution
from padimkit.report.statistics import MeanSpread, spread

DATASETS = {"MVTec AD": "mvtec", "Rd-MVTec AD": "rd_mvtec", "STC": "shanghaitech"}

Groups = Mapping[str, tuple[str, ...]]  # categories by place
Values = dict[str, dict[int, float]]  # by category and seed


@dataclass(frozen=True)
class Source:
    """The data behind measured values; values of two sources are never averaged.

    Args:
        dataset: The kind of data set.
        name: What the suite calls it.
        root: Name of its folder: no record can tell whether it holds the paper's images.
        resolution: Sides of resize and crop.
        train_images: The number of training images of which the suite wants no more; None for all.
        drawn: True if the seed draws them, in place of the first ones.
    """

    dataset: str
    name: str
    root: str
    resolution: str
    train_images: int | None = None
    drawn: bool = False


def words(source: Source, kind: str = "") -> str:
    """Return the source in words, after the kind of data if that is to be said."""
    folder = "/".join(filter(None, (kind, source.root)))
    place = folder if source.name in (source.dataset, source.root) else f"{source.name} in {folder}"
    drawn = " drawn by the seed" if source.drawn else ""
    images = "" if source.train_images is None else f"{source.train_images} training images{drawn}"
    return ", ".join(filter(None, (place, source.resolution, images)))


@dataclass(frozen=True)
class Row:
    """A value of a method, measured or printed or both, in the paper's units.

    Args:
        method: Name of the method in `published`, or in the suite if the paper does not have it.
        data: Data set of the paper.
        source: Data that were measured.
        place: A category, "textures", "objects" or "all".
        metric: Name of the metric in `published`.
        categories: Measured categories of the place; a mean over few is not the mean over all.
        measured: Spread over the seeds that all these categories have, of their mean.
        printed: The paper's value; None if it prints none.
        stand_in: True if data other than the table's were measured; the difference then says little.
    """

    method: str
    data: str
    source: Source
    place: str
    metric: str
    categories: tuple[str, ...] = ()
    measured: MeanSpread | None = None
    printed: PublishedCell | None = None
    stand_in: bool = False

    @property
    def measured_on(self) -> str:
        """The source in words, with the kind of data if it is not the table's."""
        return words(self.source, self.source.dataset if self.stand_in else "")

    @property
    def difference(self) -> float | None:
        """Measured minus printed value; None if either is missing."""
        if self.measured is None or self.printed is None:
            return None
        return self.measured.mean - self.printed.value


def beside(records: Iterable[Record], table: int) -> tuple[Row, ...]:
    """Return measured values beside one of the paper's tables, for each source that was measured.

    Records count if they have finished, vary nothing, and are of all test images of a data set in the layout
    of the paper's; of several with the same method, source, category and seed, the latest counts. Places with
    any measured value have rows for all methods of the table. If no such record has a metric of the table,
    records of other data stand in, with all their categories, at the place "all".

    Raises:
        BadArgument: The paper has no such table.
    """
    cells = published(table)
    whole = usable(records)
    by_data = {cell.data: [other for other in cells if other.data == cell.data] for cell in cells}
    return tuple(_of_its_data(whole, by_data)) or tuple(_of_other_data(whole, by_data))


def usable(records: Iterable[Record]) -> list[Record]:
    """Return those that count, in the order in which they began.

    They have finished, vary nothing, and are of all test images.
    """
    whole = (r for r in records if r.failure is None and not r.cell.varied and not is_held_out(r))
    return sorted(whole, key=lambda r: r.begun)


def _of_its_data(records: Sequence[Record], by_data: Mapping[str, Sequence[PublishedCell]]) -> Iterator[Row]:
    for data, cells in by_data.items():
        for source, found in by_source(r for r in records if kind_of_data(r) == DATASETS[data]).items():
            # The scenes of STC have no names in the paper, and all that were measured make up "all".
            yield from _rows(found, source, cells, _everything(found) if data == "STC" else GROUPS)


def _of_other_data(
    records: Sequence[Record], by_data: Mapping[str, Sequence[PublishedCell]]
) -> Iterator[Row]:
    for cells in by_data.values():
        whole = [cell for cell in cells if cell.place == "all"]
        for source, found in by_source(records).items():
            rows = _rows(found, source, whole, _everything(found))
            yield from (replace(row, stand_in=True) for row in rows)


def _everything(records: Sequence[Record]) -> Groups:
    return {"all": tuple(dict.fromkeys(record.cell.category for record in records))}


def by_source(records: Iterable[Record]) -> dict[Source, list[Record]]:
    """Return the records of each source."""
    found: dict[Source, list[Record]] = {}
    for record in records:
        cell = record.cell
        names = kind_of_data(record), cell.dataset, folder(cell.settings)
        source = Source(*names, resolution(cell.settings), cell.train_images, cell.drawn)
        found.setdefault(source, []).append(record)
    return found


def _rows(
    records: Sequence[Record], source: Source, cells: Sequence[PublishedCell], groups: Groups
) -> Iterator[Row]:
    printed = {(cell.place, cell.metric, cell.method): cell for cell in cells}
    methods = dict.fromkeys([cell.method for cell in cells] + [record.cell.method for record in records])
    for place, metric in dict.fromkeys((cell.place, cell.metric) for cell in cells):
        rows = [
            Row(
                *(method, cells[0].data, source, place, metric),
                *_measured(_values(records, method, metric), groups.get(place, (place,))),
                printed.get((place, metric, method)),
            )
            for method in methods
        ]
        if any(row.measured for row in rows):
            yield from (row for row in rows if row.measured or row.printed)


def replaced(records: Iterable[Record], rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the methods of which several records have a value in these rows, so that the latest counts."""
    sources, metrics = {row.source for row in rows}, {row.metric for row in rows}
    count = Counter(
        (record.cell.method, metric, source, record.cell.category, record.cell.seed)
        for source, those in by_source(usable(records)).items()
        for record in those
        for metric in metrics
        if source in sources and _value(record, metric) is not None
    )
    return tuple(dict.fromkeys(method for (method, *_), several in count.items() if several > 1))


def _values(records: Sequence[Record], method: str, metric: str) -> Values:
    found: Values = {}
    for record in records:
        value = _value(record, metric)
        if record.cell.method == method and value is not None:
            found.setdefault(record.cell.category, {})[record.cell.seed] = value
    return found


def _value(record: Record, metric: str) -> float | None:
    if metric == "seconds":
        return formatting.ONE.of(record)
    if metric == "gigabytes":
        size = formatting.MODEL.of(record)
        return None if size is None else size / 1e9
    return 100 * record.metrics[metric] if metric in record.metrics else None


def _measured(values: Values, wanted: Sequence[str]) -> tuple[tuple[str, ...], MeanSpread | None]:
    categories = tuple(category for category in wanted if category in values)
    seeds = set.intersection(*(set(values[category]) for category in categories)) if categories else set()
    if not seeds:
        return categories, None
    means = [fmean(values[category][seed] for category in categories) for seed in sorted(seeds)]
    return categories, spread(means)
