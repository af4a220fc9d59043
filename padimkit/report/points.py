"""Methods as points between quality and cost: means over seeds and categories.

It stands alone because it draws nothing and makes no table.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from padimkit.report import formatting
from padimkit.report.formatting import Cost
from padimkit.report.notation import Notation
from padimkit.report.plots.styles import Style
from padimkit.report.scoreboards import Reading, Row, metric_value

TIMES = (formatting.ONE, formatting.LATENCY, formatting.MANY, formatting.FIT, formatting.CALIBRATION)
SIZES = (
    formatting.PEAK_OWN,
    formatting.PEAK,
    formatting.DEVICE,
    formatting.HELD,
    formatting.MODEL,
    formatting.DISK,
    formatting.PEAK_FIT,
    formatting.PEAK_PREDICT,
)
RANGES = (
    "Ranges are such means of the quickest and of the slowest process of each cell; a cell that one process "
    "has timed counts with its value in both."
)


@dataclass(frozen=True)
class Point:
    """A method's means over seeds and categories, of metrics by name and of costs.

    `between` has such means of the quickest and of the slowest process, where cells were timed by several.
    """

    row: Row
    style: Style
    quality: dict[str, float]
    cost: dict[Cost, float]
    between: dict[Cost, tuple[float, float]]

    def hint(self, metric: str, cost: Cost, notation: Notation) -> str:
        """Return the two values in words."""
        quality = notation.caption(f"{metric} {notation.value(self.quality[metric])}")
        return f"{self.row.method}: {quality}, {cost.label} {cost.text(self.cost[cost])}"

    def price(self, cost: Cost) -> str:
        """Return a cost as text, with the range over processes where there are several."""
        limits = self.between.get(cost)
        return cost.text(self.cost[cost]) + (f" ({cost.range_text(limits)})" if limits else "")


def point_of(row: Row, categories: Sequence[str], metrics: list[str], style: Style) -> Point:
    """Return the point of a row over some categories, in a style."""
    quality = {name: row.mean(categories, metric_value(name)) for name in metrics}
    cost = {cost: row.mean(categories, cost.of) for cost in (*TIMES, *SIZES)}
    ranges = {cost: between(row, categories, cost) for cost in TIMES}
    return Point(
        row,
        style,
        {name: value for name, value in quality.items() if value is not None},
        {key: value for key, value in cost.items() if value is not None},
        {key: limits for key, limits in ranges.items() if limits is not None},
    )


def between(row: Row, categories: Sequence[str], cost: Cost) -> tuple[float, float] | None:
    """Return a row's means of the least and of the greatest median of a process; None without several.

    They are over the same cells as the row's mean, so that this lies between them: a cell with the times of
    one process has its value in both.
    """
    entries = (entry for category in categories for entry in row.entries.get(category, ()))
    if not any(len(cost.by_process(entry.record)) > 1 for entry in entries):
        return None

    def read(choose: Callable[[Iterable[float]], float]) -> Reading:
        return lambda record: choose(found) if (found := cost.by_process(record)) else cost.of(record)

    least, most = (row.mean(categories, read(choose)) for choose in (min, max))
    return None if least is None or most is None else (least, most)
