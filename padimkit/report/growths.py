"""How time and memory grow with what a complexity study varies."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from matplotlib.axes import Axes

from padimkit.report import anchors
from padimkit.report.axes import logarithmic_axis, size_axis
from padimkit.report.drawing import draw
from padimkit.report.exponents import COSTS, exponent, theory
from padimkit.report.figures import Cost
from padimkit.report.growth_lines import Line, growth_lines
from padimkit.report.study import Study
from padimkit.report.styles import styles
from padimkit.report.table import ABSENT, Datum, Plot, Table

_FEW = 2


@dataclass(frozen=True)
class Growth:
    """What was varied, on which data, and a plot for each cost, with the exponents in its table."""

    varied: str
    place: str
    plots: list[Plot]


def growths(study: Study) -> list[Growth]:
    """One for each varied quantity of each data set."""
    found = []
    for index, ((varied, where), lines) in enumerate(growth_lines(study).items()):
        plots = list(_plots(f"growth-{index}", varied, lines, study))
        found += [Growth(varied, where, plots)] if plots else []
    return found


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
        found = [cell for cell in line.cells if cell.record.varied[varied] == size]
        values = [value for cell in found if (value := cost.of(cell.record)) is not None]
        if values:
            note = f"mean of {len(values)}" if len(values) > 1 else ""
            data.append(Datum(cost.text(fmean(values)), fmean(values), anchors.of_cell(found[0]), note=note))
        else:
            data.append(ABSENT)
    return tuple(data)
