"""Metrics and costs along a varied quantity: measured costs grow beside predicted ones."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from matplotlib.axes import Axes

from padimkit.errors import BadArgument
from padimkit.report import formatting, links
from padimkit.report.extrapolation import NEAR, WIDEST, crossing_table, far_table
from padimkit.report.formatting import Cost
from padimkit.report.growth import Line, Piece, differing, growth_lines
from padimkit.report.plots.axes import logarithmic_axis, size_axis
from padimkit.report.plots.styles import styles
from padimkit.report.plots.svg import draw
from padimkit.report.power_law import Point, PowerLaw, local_exponents, medians
from padimkit.report.protocols import OF_COSTS
from padimkit.report.quality_curves import QualityCurves, quality_curves, quality_plot, quality_table
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
_CONTINUED = (formatting.DENSITY_FIT, formatting.SCORE_ONE, formatting.HELD, formatting.FITTED)
_FEWEST_SIZES = 2  # a single size makes no line
HEAD = ("cost", "method", "sizes", "exponent (95 %)", "predicted", "verdict", "measured / predicted")
_EXPLAINED = (
    "Exponents are fitted to the logarithms of all measurements; limits are Student's, over sizes. Where "
    "the density has another form, with other formulas, another row begins. Predictions are those of the "
    "formulas that the parts state, at the rates of products and copies that were measured in the same run; "
    "verdicts are about the exponent of measured / predicted.",
)


@dataclass(frozen=True)
class Growth:
    """A varied quantity on a data set, and a plot for each metric and each cost."""

    varied: str
    place: str
    plots: list[Plot]


def build(study: Study) -> dict[str, Any] | None:
    """Return plots and tables; None if nothing was varied, or nothing was measured."""
    found, shown = growths(study), list(tables(study))
    return {"growths": found, "tables": shown} if found or shown else None


def tables(study: Study) -> Iterator[Table]:
    """Yield metrics, then exponents beside those that formulas predict, of each varied quantity."""
    yield from _quality_tables(study)
    yield from _cost_tables(study)


def _quality_tables(study: Study) -> Iterator[Table]:
    for (varied, where), lines in growth_lines(study).items():
        yield from (quality_table(one, study) for one in quality_curves(study, varied, where, lines))


def _cost_tables(study: Study) -> Iterator[Table]:
    for (varied, where), lines in growth_lines(study).items():
        rows = tuple(
            (Datum(cost.label), *row)
            for cost in COSTS
            for line in lines
            if line.points(varied, cost)
            for row in _exponents(line, varied, cost)
        )
        if rows:
            notes = differing(lines, varied, study, OF_COSTS)
            yield Table(
                f"Exponents of growth with {varied}, {where}", HEAD, rows, notes, explained=_EXPLAINED
            )
        for table in (crossing_table, far_table):
            if (found := table(lines, varied, _CONTINUED, where)) is not None:
                yield found


def _exponents(line: Line, varied: str, cost: Cost) -> Iterator[tuple[Datum, ...]]:
    """Yield a row for each form that the density has along the line."""
    for piece in line.pieces:
        measured = piece.measured(varied, cost)
        predicted = piece.predicted(varied, cost)
        if measured and not piece.predicts_none(cost):
            name = f"{line.name}: {piece.form}" if piece.form and len(line.pieces) > 1 else line.name
            known = _predicted(tuple(predicted))
            yield (
                Datum(name),
                Datum(_span(measured)),
                exponent(tuple(measured)),
                ABSENT if known is None else Datum(formatting.exponent(known)),
                _verdict(tuple(measured), tuple(piece.shares(varied, cost))),
                _ratio(piece.shares(varied, cost)),
            )


def exponent(points: tuple[Point, ...]) -> Datum:
    """Return the measured exponent with its interval."""
    try:
        found = _fitted(points)
    except BadArgument as error:
        return Datum(DASH, note=str(error))
    limits = f"{formatting.exponent(found.lower)} to {formatting.exponent(found.upper)}"
    return Datum(f"{formatting.exponent(found.estimate)} ({limits})", found.estimate)


@cache  # a plot and the table of all exponents show the same
def _fitted(points: tuple[Point, ...]) -> Interval:
    return PowerLaw.of(points).interval()


def _predicted(points: tuple[Point, ...]) -> float | None:
    """Return the exponent that the predictions at the same sizes have."""
    try:
        return _fitted(points).estimate
    except BadArgument:
        return None


def _verdict(measured: tuple[Point, ...], shares: tuple[Point, ...]) -> Datum:
    """Say whether the cost grows less or more than its prediction, if limits are narrow enough to tell.

    They are those of the exponent of their ratio: a prediction of several terms is no power itself.
    """
    try:
        found = _fitted(shares or measured)
    except BadArgument as error:
        return Datum(DASH, note=str(error))
    if found.upper - found.lower > WIDEST:
        return Datum("cannot tell", note=f"the interval is wider than {WIDEST:g}")
    if not shares:
        return ABSENT
    if found.upper < -NEAR:
        return Datum("below")
    return Datum("above" if found.lower > NEAR else "as predicted")


def _ratio(shares: list[Point]) -> Datum:
    """Return the lowest and the highest median of measured by predicted at a size."""
    found = sorted(share for _, share in medians(shares))
    if not found:
        return ABSENT
    low, high = formatting.ratio(found[0]), formatting.ratio(found[-1])
    return Datum(low if low == high else f"{low} to {high}")


def _span(points: list[Point]) -> str:
    sizes = sorted({size for size, _ in points})
    return f"{sizes[0]:g}" if len(sizes) == 1 else f"{sizes[0]:g} to {sizes[-1]:g}"


def growths(study: Study) -> list[Growth]:
    """Return the plots of each varied quantity of each data set."""
    found = []
    for index, ((varied, where), lines) in enumerate(growth_lines(study).items()):
        id_ = f"growth-{index}"
        quality = _quality_plots(id_, quality_curves(study, varied, where, lines), study)
        plots = [*quality, *_plots(id_, varied, lines, study)]
        found += [Growth(varied, where, plots)] if plots else []
    return found


def _quality_plots(name: str, curves: Iterable[QualityCurves], study: Study) -> Iterator[Plot]:
    for index, one in enumerate(curves):
        if (plot := quality_plot(one, f"{name}-quality-{index}", study)) is not None:
            yield plot


def _plots(name: str, varied: str, lines: list[Line], study: Study) -> Iterator[Plot]:
    for index, cost in enumerate(COSTS):
        shown = [
            line for line in lines if len({size for size, _ in line.points(varied, cost)}) >= _FEWEST_SIZES
        ]
        if shown:
            yield _plot(f"{name}-{index}", varied, cost, shown, study)


def _plot(name: str, varied: str, cost: Cost, lines: list[Line], study: Study) -> Plot:
    looks, all_points = styles(study.methods), [line.points(varied, cost) for line in lines]
    predicted = [line.whole.predicted(varied, cost) for line in lines]

    def paint(axes: Axes) -> None:
        for index, (line, points) in enumerate(zip(lines, all_points, strict=True)):
            x, y = zip(*points, strict=True)
            style = looks[line.method]
            axes.plot(x, y, **(style.line | style.point | {"markersize": 5}), gid=f"line{index}")
            for known in filter(None, [predicted[index]]):
                axes.plot(*zip(*known, strict=True), color=style.colour, linewidth=0.8, alpha=0.6)
        size_axis(axes.xaxis, [size for points in all_points for size, _ in points])
        values = [value for points in (*all_points, *predicted) for _, value in points]
        logarithmic_axis(axes.yaxis, values, cost.unit)
        axes.set(xlabel=varied, ylabel=cost.label)

    hints = {f"line{index}": line.method for index, line in enumerate(lines)}
    title = f"{cost.label} against {varied}"
    thin = " Thin lines are predictions." if any(predicted) else ""
    description = f"Both axes are logarithmic.{thin}"
    svg = draw(paint, name=name, title=title, description=description, hints=hints)
    sizes = {entry.record.cell.varied[varied] for line in lines for entry in line.entries}
    left_out = " Without sizes of 0, since both axes are logarithmic." if min(sizes) <= 0 else ""
    caption = f"{title[0].upper()}{title[1:]}.{thin}{left_out}"
    return Plot(svg, caption, _table(varied, cost, lines))


def _table(varied: str, cost: Cost, lines: list[Line]) -> Table:
    """Return a row for each size of each line: what was measured beside what was predicted."""
    head = ("method", varied, "form", "measured", "predicted", "measured / predicted", "local exponent")
    rows = tuple(row for line in lines for piece in line.pieces for row in _rows(varied, cost, line, piece))
    return Table(f"{cost.label[0].upper()}{cost.label[1:]}", head, rows)


def _rows(varied: str, cost: Cost, line: Line, piece: Piece) -> Iterator[tuple[Datum, ...]]:
    measured, known = piece.measured(varied, cost), dict(piece.predicted(varied, cost))
    reached, targets = local_exponents(measured), _targets(piece, varied)
    for size, value in medians(measured):
        count, target = sum(other == size for other, _ in measured), targets[size]
        note = f"median of {count}" if count > 1 else ""
        row = [
            Datum(line.name),
            Datum(f"{size:g}", size, target),
            Datum(piece.form or DASH),
            Datum(cost.text(value), value, target, note=note),
        ]
        if size in known:
            share = value / known[size]
            row.append(Datum(cost.text(known[size]), known[size], target))
            row.append(Datum(formatting.ratio(share), share, target))
        else:
            row += [ABSENT, ABSENT]
        local = reached.get(size)
        row.append(ABSENT if local is None else Datum(formatting.exponent(local), local, target))
        yield tuple(row)


def _targets(piece: Piece, varied: str) -> dict[float, str]:
    return {entry.record.cell.varied[varied]: links.of_entry(entry) for entry in reversed(piece.entries)}
