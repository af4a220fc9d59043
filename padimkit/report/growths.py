"""How time and memory grow with what a complexity study varies."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from matplotlib.axes import Axes

from padimkit.benchmark.complexity import growth
from padimkit.benchmark.theory import expected
from padimkit.errors import BadArgument
from padimkit.report import anchors, figures
from padimkit.report.axes import logarithmic_axis, size_axis
from padimkit.report.cells import Cell
from padimkit.report.drawing import draw
from padimkit.report.figures import Cost
from padimkit.report.study import Study
from padimkit.report.styles import styles
from padimkit.report.table import ABSENT, DASH, Datum, Plot, Table

COSTS = (
    *(figures.FIT, figures.DENSITY_FIT),
    *(figures.ONE, figures.SCORE_ONE, figures.MANY, figures.SCORE_MANY),
    *(figures.PEAK_FIT, figures.PEAK_PREDICT),
    *(figures.FITTED, figures.MODEL, figures.DISK, figures.DEVICE),
)
_FEW = 2


@dataclass(frozen=True)
class Growth:
    """What was varied, on which data, and a plot for each cost, with the exponents in its table."""

    varied: str
    place: str
    plots: list[Plot]


@dataclass(frozen=True)
class Line:
    """A method's cells in the order of what is varied; `fixed` names what else the study holds still."""

    method: str
    fixed: str
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        return f"{self.method} ({self.fixed})" if self.fixed else self.method

    def points(self, varied: str, cost: Cost) -> list[tuple[float, float]]:
        """Size and positive cost of those cells where it was measured."""
        pairs = [(cell.record.varied[varied], cost.of(cell.record)) for cell in self.cells]
        return [(size, value) for size, value in pairs if value is not None and size > 0 and value > 0]


def growths(study: Study) -> list[Growth]:
    """One for each varied quantity of each data set."""
    found = []
    for index, ((varied, where), lines) in enumerate(_lines(study).items()):
        plots = list(_plots(f"growth-{index}", varied, lines, study))
        found += [Growth(varied, where, plots)] if plots else []
    return found


def _lines(study: Study) -> dict[tuple[str, str], list[Line]]:
    grouped: dict[tuple[str, str], dict[tuple[str, str], list[Cell]]] = {}
    for cell in study.varied:
        for name in cell.record.varied:
            rest = ", ".join(f"{key} = {value:g}" for key, value in cell.record.varied.items() if key != name)
            lines = grouped.setdefault((name, cell.place), {})
            lines.setdefault((cell.record.method, rest), []).append(cell)
    return {
        (name, where): [
            Line(method, rest, tuple(sorted(cells, key=lambda cell: cell.record.varied[name])))
            for (method, rest), cells in lines.items()
        ]
        for (name, where), lines in grouped.items()
    }


def _plots(name: str, varied: str, lines: list[Line], study: Study) -> Iterator[Plot]:
    for index, cost in enumerate(COSTS):
        shown = [line for line in lines if len({size for size, _ in line.points(varied, cost)}) >= _FEW]
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
    exponents = "; ".join(f"{line.name} {_exponent(line, varied, cost).text}" for line in lines)
    caption = f"{title[0].upper()}{title[1:]}. Exponents: {exponents}."
    return Plot(svg, caption, _table(varied, cost, lines))


def _table(varied: str, cost: Cost, lines: list[Line]) -> Table:
    sizes = sorted({size for line in lines for size, _ in line.points(varied, cost)})
    head = ("method", "exponent (95 %)", "in theory", *(f"{varied} = {size:g}" for size in sizes))
    return Table(
        f"{cost.label[0].upper()}{cost.label[1:]}",
        head,
        tuple(_row(varied, cost, line, sizes) for line in lines),
    )


def _row(varied: str, cost: Cost, line: Line, sizes: list[float]) -> tuple[Datum, ...]:
    data = [Datum(line.name), _exponent(line, varied, cost), _theory(line, varied, cost)]
    for size in sizes:
        found = [cell for cell in line.cells if cell.record.varied[varied] == size]
        values = [value for cell in found if (value := cost.of(cell.record)) is not None]
        if values:
            note = f"mean of {len(values)}" if len(values) > 1 else ""
            data.append(Datum(cost.text(fmean(values)), fmean(values), anchors.of_cell(found[0]), note=note))
        else:
            data.append(ABSENT)
    return tuple(data)


def _theory(line: Line, varied: str, cost: Cost) -> Datum:
    """What theory expects, and whether the measured interval is apart from it."""
    found = expected(line.cells[0].record.settings, varied, cost.name)
    if found is None:
        return ABSENT
    try:
        measured = growth(*map(list, zip(*line.points(varied, cost), strict=True)))
    except BadArgument:
        return Datum(str(found))
    apart = measured.upper < found.lower or measured.lower > found.upper
    return Datum(str(found), note="apart from what was measured" if apart else "")


def _exponent(line: Line, varied: str, cost: Cost) -> Datum:
    points = line.points(varied, cost)
    try:
        found = growth([size for size, _ in points], [value for _, value in points])
    except BadArgument as error:
        return Datum(DASH, note=str(error))
    limits = f"{figures.exponent(found.lower)} to {figures.exponent(found.upper)}"
    return Datum(f"{figures.exponent(found.estimate)} ({limits})", found.estimate)
