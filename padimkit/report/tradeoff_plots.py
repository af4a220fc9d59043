"""One figure of merit against one cost, a point per method."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from padimkit.report import figures
from padimkit.report.axes import cost_axis
from padimkit.report.drawing import INK, draw
from padimkit.report.figures import Cost
from padimkit.report.fronts import front
from padimkit.report.scoreboards import Row
from padimkit.report.styles import Style
from padimkit.report.table import Plot


@dataclass(frozen=True)
class Merit:
    """A figure of merit; `sign` is 1 where a higher figure is a better one, and -1 where a lower one is."""

    name: str
    sign: int

    @property
    def label(self) -> str:
        return self.name if self.sign > 0 else f"{self.name} (lower is better)"


@dataclass(frozen=True)
class Point:
    """Means of a method over seeds and categories."""

    row: Row
    style: Style
    quality: dict[str, float]
    cost: dict[Cost, float]

    def hint(self, metric: str, cost: Cost) -> str:
        """The figures in words."""
        quality = figures.quality(self.quality[metric])
        return f"{self.row.method}: {metric} {quality}, {cost.label} {cost.text(self.cost[cost])}"


def tradeoff_plot(name: str, merit: Merit, cost: Cost, points: Sequence[Point]) -> Plot:
    """The points that have both figures, with their Pareto front."""
    metric = merit.name
    shown = [point for point in points if metric in point.quality and cost in point.cost]
    best = front([(point.cost[cost], merit.sign * point.quality[metric]) for point in shown])
    named = ", ".join(point.row.method for point, is_best in zip(shown, best, strict=True) if is_best)
    svg = draw(
        lambda axes: _paint(axes, merit, cost, list(zip(shown, best, strict=True))),
        name=name,
        title=f"{metric} against {cost.label}",
        description=f"On the Pareto front: {named}.",
        hints={f"point{index}": point.hint(metric, cost) for index, point in enumerate(shown)},
    )
    lacking = ", ".join(point.row.method for point in points if point not in shown)
    note = f" Not measured: {lacking}." if lacking else ""
    return Plot(svg, f"{metric} against {cost.label}. Ringed, on the Pareto front: {named}.{note}")


def _paint(axes: Axes, merit: Merit, cost: Cost, points: list[tuple[Point, bool]]) -> None:
    steps = sorted((point.cost[cost], point.quality[merit.name]) for point, is_best in points if is_best)
    x, y = zip(*steps, strict=True)
    axes.plot(x, y, drawstyle="steps-post", color=INK, alpha=0.5, linestyle="dashed", linewidth=1)
    for index, (point, is_best) in enumerate(points):
        place = point.cost[cost], point.quality[merit.name]
        axes.plot(*place, **point.style.point, gid=f"point{index}")
        if is_best:
            axes.plot(*place, marker="o", markersize=13, fillstyle="none", color=INK, markeredgewidth=1)
    axes.margins(0.12)
    cost_axis(axes.xaxis, [point.cost[cost] for point, _ in points], cost.unit)
    axes.set(xlabel=cost.label, ylabel=merit.label)
