"""The images with the worst values of metrics that have a value for each image, as a section of the report.

A plugin of padimkit's own: all that it shows is in the records.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import final

from padimkit.arguments import require_whole
from padimkit.benchmark.record import Record, unpacked
from padimkit.report.section import ReportSection
from padimkit.report.tables import Datum, Table


@final
class WorstImages(ReportSection):
    """The images with the worst values, of each metric that has a value for each image.

    Args:
        most: Number of images in a table.
    """

    title = "Worst images"

    def __init__(self, most: int = 10) -> None:
        require_whole("most", most, 1, 1000)
        self.most = most

    def build(self, records: Sequence[Record]) -> list[Table]:
        """Return a table for each metric and category."""
        found: dict[tuple[str, str], list[tuple[float, str, Record]]] = defaultdict(list)
        for record in records:
            for metric, value, image in _values(record):
                place = "/".join(filter(None, (record.cell.dataset, record.cell.category)))
                found[metric, place].append((value, image, record))
        return [self._table(metric, place, values) for (metric, place), values in sorted(found.items())]

    def _table(self, metric: str, place: str, values: list[tuple[float, str, Record]]) -> Table:
        lower = any(metric in record.lower_is_better for _, _, record in values)
        ranked = sorted(values, key=lambda one: (-one[0] if lower else one[0], one[1], one[2].key))
        rows = tuple(_row(*one) for one in ranked[: self.most])
        return Table(f"Images with the worst {metric}, {place}", ("image", "method", "seed", metric), rows)


def _values(record: Record) -> Iterator[tuple[str, float, str]]:
    """Yield metric, value and image, where there is a value; nothing of complexity studies."""
    if record.images is None or record.cell.varied:
        return
    for metric, text in record.images.values.items():
        for image, value in zip(record.images.names, unpacked(text, gaps=True), strict=True):
            if not math.isnan(value):
                yield metric, value, image


def _row(value: float, image: str, record: Record) -> tuple[Datum, ...]:
    seed, target = record.cell.seed, f"record-{record.key}"
    number = Datum(f"{value:.4g}", value=value, target=target)
    return Datum(image), Datum(record.cell.method), Datum(str(seed), value=seed), number
