"""Exponents of growth beside those of theory."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes

from padimkit.benchmark.record import Expectation
from padimkit.errors import BadArgument
from padimkit.report import formatting, links
from padimkit.report.formatting import Cost
from padimkit.report.growth import Line, growth, growth_lines
from padimkit.report.plots.axes import logarithmic_axis, size_axis
from padimkit.report.plots.styles import styles
from padimkit.report.plots.svg import draw
from padimkit.report.statistics import Interval
from padimkit.report.study import Study
from padimkit.report.tables import ABSENT, DASH, Datum, Plot, Table

name = "growth"
title = "Growth"
COSTS = (
    *(formatting.FIT, formatting.DENSITY_FIT, formatting.PREPARE, formatting.CALIBRATION),
    *(formatting.ONE, formatting.SCORE_ONE, formatting.MANY, formatting.SCORE_MANY),
    *(formatting.PEAK_FIT, formatting.PEAK_PREDICT),
    *(formatting.HELD, formatting.FITTED, formatting.MODEL, formatting.DISK, formatting.DEVICE),
)
_FEWEST_SIZES = 2  # a single size makes no line


@dataclass(frozen=True)
class Growth:
    """A varied quantity on a data set, and a plot for each cost with the exponents in its table."""

    varied: str
    place: str
    plots: list[Plot]


def build(study: Study) -> dict[str, Any] | None:
    """Return plots and exponents; None if no quantity was measured at several sizes."""
    found = growths(study)
    return {"growths": found, "exponents": list(tables(study))} if found else None


def tables(study: Study) -> Iterator[Table]:
    """Yield the exponents for each varied quantity and place, and how they compare with theory."""
    for (varied, where), lines in growth_lines(study).items():
        rows = tuple(
            (Datum(cost.label), Datum(line.name), exponent(line, varied, cost), *theory(line, varied, cost))
            for cost in COSTS
            for line in lines
            if line.points(varied, cost)
        )
        head = ("cost", "method", "exponent (95 %)", "in theory", "measured")
        if rows:
            yield Table(f"Exponents of growth with {varied}, {where}", head, rows)


def exponent(line: Line, varied: str, cost: Cost) -> Datum:
    """Return the measured exponent with its interval."""
    try:
        found = _growth(line, varied, cost)
    except BadArgument as error:
        return Datum(DASH, note=str(error))
    limits = f"{formatting.exponent(found.lower)} to {formatting.exponent(found.upper)}"
    return Datum(f"{formatting.exponent(found.estimate)} ({limits})", found.estimate)


def theory(line: Line, varied: str, cost: Cost) -> tuple[Datum, Datum]:
    """Return the exponent in theory, and on which side of it the measured interval lies."""
    found = line.expected(varied, cost)
    if found is None:
        return ABSENT, ABSENT
    try:
        verdict = _verdict(_growth(line, varied, cost), found)
    except BadArgument as error:
        return Datum(str(found)), Datum(DASH, note=str(error))
    return Datum(str(found)), Datum(verdict)


def _growth(line: Line, varied: str, cost: Cost) -> Interval:
    return _fitted(tuple(line.points(varied, cost)))


@cache  # a plot, its table and the table of all exponents show the same
def _fitted(points: tuple[tuple[float, float], ...]) -> Interval:
    return growth([size for size, _ in points], [value for _, value in points])


def _verdict(measured: Interval, theory: Expectation) -> str:
    """Compare the rounded numbers that are printed: a few constant bytes are not a departure."""
    if round(measured.upper, formatting.EXPONENT_DIGITS) < theory.lower:
        return "below theory"
    above = round(measured.lower, formatting.EXPONENT_DIGITS) > theory.upper
    return "above theory" if above else "as in theory"


def growths(study: Study) -> list[Growth]:
    """Return the plots of each varied quantity of each data set."""
    found = []
    for index, ((varied, where), lines) in enumerate(growth_lines(study).items()):
        plots = list(_plots(f"growth-{index}", varied, lines, study))
        found += [Growth(varied, where, plots)] if plots else []
    return found


def _plots(name: str, varied: str, lines: list[Line], study: Study) -> Iterator[Plot]:
    for index, cost in enumerate(COSTS):
        shown = [
            line for line in lines if len({size for size, _ in line.points(varied, cost)}) >= _FEWEST_SIZES
        ]
        if shown:
            yield _plot(f"{name}-{index}", varied, cost, shown, study)


def _plot(name: str, varied: str, cost: Cost, lines: list[Line], study: Study) -> Plot:
    looks, all_points = styles(study.methods), [line.points(varied, cost) for line in lines]

    def paint(axes: Axes) -> None:
        for index, (line, points) in enumerate(zip(lines, all_points, strict=True)):
            x, y = zip(*points, strict=True)
            style = looks[line.method]
            axes.plot(x, y, **(style.line | style.point | {"markersize": 5}), gid=f"line{index}")
        size_axis(axes.xaxis, [size for points in all_points for size, _ in points])
        logarithmic_axis(axes.yaxis, [value for points in all_points for _, value in points], cost.unit)
        axes.set(xlabel=varied, ylabel=cost.label)

    hints = {f"line{index}": line.method for index, line in enumerate(lines)}
    title = f"{cost.label} against {varied}"
    svg = draw(paint, name=name, title=title, description="Both axes are logarithmic.", hints=hints)
    exponents = "; ".join(f"{line.name} {exponent(line, varied, cost).text}" for line in lines)
    caption = f"{title[0].upper()}{title[1:]}. Exponents: {exponents}."
    return Plot(svg, caption, _table(varied, cost, lines))


def _table(varied: str, cost: Cost, lines: list[Line]) -> Table:
    sizes = sorted({size for line in lines for size, _ in line.points(varied, cost)})
    head = ("method", "exponent (95 %)", "in theory", "measured", *(f"{varied} = {size:g}" for size in sizes))
    return Table(
        f"{cost.label[0].upper()}{cost.label[1:]}",
        head,
        tuple(_row(varied, cost, line, sizes) for line in lines),
    )


def _row(varied: str, cost: Cost, line: Line, sizes: list[float]) -> tuple[Datum, ...]:
    data = [Datum(line.name), exponent(line, varied, cost), *theory(line, varied, cost)]
    for size in sizes:
        found = [entry for entry in line.entries if entry.record.cell.varied[varied] == size]
        values = [value for entry in found if (value := cost.of(entry.record)) is not None]
        if values:
            note = f"mean of {len(values)}" if len(values) > 1 else ""
            data.append(Datum(cost.text(fmean(values)), fmean(values), links.of_entry(found[0]), note=note))
        else:
            data.append(ABSENT)
    return tuple(data)
