"""Quality and cost of the methods on a data set."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from padimkit.report import links
from padimkit.report.cost_tables import cost_table
from padimkit.report.formatting import Cost
from padimkit.report.notation import USUAL, Notation
from padimkit.report.plots.axes import cost_axis
from padimkit.report.plots.styles import styles
from padimkit.report.plots.svg import INK, draw
from padimkit.report.points import RANGES, SIZES, TIMES, Point, point_of
from padimkit.report.protocols import mixture
from padimkit.report.scoreboards import Row, metric_value, rows_of, scored
from padimkit.report.study import Study, unique
from padimkit.report.tables import ABSENT, Datum, Plot, Table

name = "tradeoffs"
title = "Quality and cost"


@dataclass(frozen=True)
class Quality:
    """A metric as an axis of a plot; `sign` is 1 if higher values are better, and -1 if lower ones are."""

    name: str
    sign: int

    @property
    def label(self) -> str:
        return self.name if self.sign > 0 else f"{self.name} (lower is better)"


@dataclass(frozen=True)
class Tradeoff:
    """Quality against cost on a data set, for metrics that have values in the same categories.

    Args:
        dataset: Name of the data set.
        metrics: Names of the metrics.
        shared: Categories that the means are over: all methods have finished, some method has values.
        left_out: Categories in which some method has not finished.
        unscored: Categories in which all methods have finished, and none has values.
        plots: Plots against one time and one memory.
        others: Plots against the other times and memories.
        table: The numbers of all plots.
    """

    dataset: str
    metrics: list[str]
    shared: list[str]
    left_out: list[str]
    unscored: list[str]
    plots: list[Plot]
    others: list[Plot]
    table: Table


def build(study: Study) -> dict[str, Any] | None:
    """Return the trade-offs; None if there are none."""
    found = tradeoffs(study)
    return {"tradeoffs": found} if found else None


def tables(study: Study) -> Iterator[Table]:
    """Yield the costs of all methods: for each data set a table of times and one of bytes."""
    for dataset in study.datasets:
        for costs, kind in ((TIMES, "times"), (SIZES, "memory and bytes")):
            table = cost_table(study, dataset, costs, f"{kind}, {dataset}")
            if table is not None:
                yield table


def tradeoffs(study: Study) -> list[Tradeoff]:
    """Return for each data set a trade-off for each group of metrics that share their categories."""
    found = [tradeoff for dataset in study.datasets for tradeoff in _tradeoffs(study, dataset)]
    return [tradeoff for tradeoff in found if tradeoff.plots or tradeoff.left_out]


def _tradeoffs(study: Study, dataset: str) -> Iterator[Tradeoff]:
    rows = [row for row in rows_of(study, dataset) if any(map(row.finished, row.entries))]
    categories = unique(sorted(category for row in rows for category in row.entries))
    finished = [category for category in categories if all(row.finished(category) for row in rows)]
    for shared, metrics in _together(rows, finished, study.metrics).items():
        looks = styles(study.methods)
        points = [point_of(row, shared, metrics, looks[row.method]) for row in rows]
        costs = [cost for cost in (*TIMES, *SIZES) if any(cost in point.cost for point in points)]
        first = [next((cost for cost in kind if cost in costs), None) for kind in (TIMES, SIZES)]
        name = f"tradeoff-{study.datasets.index(dataset)}"
        yield Tradeoff(
            dataset,
            metrics,
            list(shared),
            [category for category in categories if category not in finished],
            [category for category in finished if category not in shared],
            _plots(name, points, study, [cost for cost in costs if cost in first]),
            _plots(name, points, study, [cost for cost in costs if cost not in first]),
            _table(points, study, costs),
        )


def _together(rows: list[Row], categories: list[str], metrics: list[str]) -> dict[tuple[str, ...], list[str]]:
    """Group metrics by the categories in which some row has values; a single empty group if none has any."""
    found: dict[tuple[str, ...], list[str]] = {}
    for metric in metrics:
        found.setdefault(scored(rows, categories, metric_value(metric)), []).append(metric)
    return {shared: names for shared, names in found.items() if shared} or {(): []}


def _plots(name: str, points: list[Point], study: Study, costs: list[Cost]) -> list[Plot]:
    return [
        tradeoff_plot(
            f"{name}-{index}-{cost.kind}-{cost.name.replace(' ', '-')}",
            Quality(metric, study.sign(metric)),
            cost,
            points,
            study.notation,
        )
        for index, metric in enumerate(study.metrics)
        for cost in costs
        if any(metric in point.quality and cost in point.cost for point in points)
    ]


def _table(points: list[Point], study: Study, costs: list[Cost]) -> Table:
    metrics = [metric for metric in study.metrics if any(metric in point.quality for point in points)]
    head = ("method", "protocol", *map(study.notation.caption, metrics), *(cost.label for cost in costs))
    rows = (_table_row(point, study, metrics, costs) for point in points)
    notes = mixture((point.row.protocol for point in points), study.letters)
    explained = (RANGES,) if any(cost in point.between for point in points for cost in costs) else ()
    return Table("Means over seeds, then over the categories", head, tuple(rows), notes, explained=explained)


def _table_row(
    point: Point, study: Study, metrics: Iterable[str], costs: Iterable[Cost]
) -> tuple[Datum, ...]:
    target = links.of_row(point.row)
    qualities = [point.quality.get(metric) for metric in metrics]
    return (
        Datum(point.row.method, target=target),
        Datum(study.letters[point.row.protocol]),
        *(
            ABSENT if value is None else Datum(study.notation.value(value), value, target)
            for value in qualities
        ),
        *(
            Datum(point.price(cost), point.cost[cost], target) if cost in point.cost else ABSENT
            for cost in costs
        ),
    )


def tradeoff_plot(
    name: str, quality: Quality, cost: Cost, points: Sequence[Point], notation: Notation = USUAL
) -> Plot:
    """Draw the points that have both values, with their Pareto front."""
    metric = quality.name
    shown = [point for point in points if metric in point.quality and cost in point.cost]
    best = front([(point.cost[cost], quality.sign * point.quality[metric]) for point in shown])
    named = ", ".join(point.row.method for point, is_best in zip(shown, best, strict=True) if is_best)
    svg = draw(
        lambda axes: _paint(axes, quality, cost, list(zip(shown, best, strict=True)), notation),
        name=name,
        title=f"{metric} against {cost.label}",
        description=f"On the Pareto front: {named}.",
        hints={f"point{index}": point.hint(metric, cost, notation) for index, point in enumerate(shown)},
    )
    lacking = ", ".join(point.row.method for point in points if point not in shown)
    note = f" Not measured: {lacking}." if lacking else ""
    return Plot(svg, f"{metric} against {cost.label}. On the Pareto front (ringed): {named}.{note}")


def _paint(
    axes: Axes, quality: Quality, cost: Cost, points: list[tuple[Point, bool]], notation: Notation
) -> None:
    steps = sorted((point.cost[cost], point.quality[quality.name]) for point, is_best in points if is_best)
    x, y = zip(*steps, strict=True)
    axes.plot(x, y, drawstyle="steps-post", color=INK, alpha=0.5, linestyle="dashed", linewidth=1)
    for index, (point, is_best) in enumerate(points):
        place = point.cost[cost], point.quality[quality.name]
        axes.plot(*place, **point.style.point, gid=f"point{index}")
        if is_best:
            axes.plot(*place, marker="o", markersize=13, fillstyle="none", color=INK, markeredgewidth=1)
    axes.margins(0.12)
    cost_axis(axes.xaxis, [point.cost[cost] for point, _ in points], cost.unit)
    axes.set(xlabel=cost.label, ylabel=notation.caption(quality.label))
    if notation.percent:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))


def front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Tell for each (cost, quality) whether no different point is at least as cheap and at least as good.

    >>> front([(1.0, 0.8), (2.0, 0.9), (3.0, 0.85), (1.0, 0.7)])
    [True, True, False, False]
    """
    return [
        not any(
            cost <= own_cost and quality >= own_quality and (cost, quality) != (own_cost, own_quality)
            for cost, quality in points
        )
        for own_cost, own_quality in points
    ]
