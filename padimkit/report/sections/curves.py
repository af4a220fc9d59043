"""ROC and PRO curves of the methods on a category."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from matplotlib.axes import Axes

from padimkit.benchmark.record import Curve
from padimkit.report import formatting, links
from padimkit.report.entries import Cell
from padimkit.report.plots.styles import styles
from padimkit.report.plots.svg import INK, draw
from padimkit.report.protocols import mixture, protocol
from padimkit.report.study import Study, unique
from padimkit.report.tables import ABSENT, Datum, Plot, Table

_KINDS = {
    "roc": ("ROC of images", "false positive rate of images", "true positive rate of images"),
    "pro": ("PRO of regions", "false positive rate of pixels", "mean overlap of regions"),
}
_RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class Panel:
    """The plots of a category: of images and of regions."""

    place: str
    plots: list[Plot]
    notes: tuple[str, ...]


def panels(study: Study) -> list[Panel]:
    """A panel for each category with curves."""
    places = unique(
        cell.place for cell in study.finished if any(curve.x for curve in cell.record.curves.values())
    )
    return [
        Panel(where, list(_plots(where, index, study)), _notes(where, study))
        for index, where in enumerate(places)
    ]


def height(curve: Curve, rate: float) -> float | None:
    """The curve at a rate, interpolated between its points; at a step the upper end, beyond its end None."""
    if not curve.x[0] <= rate <= curve.x[-1]:
        return None
    right = bisect_right(curve.x, rate)
    if right == len(curve.x) or curve.x[right - 1] == rate:
        return curve.y[right - 1]
    (x, y), (next_x, next_y) = ((curve.x[at], curve.y[at]) for at in (right - 1, right))
    return y + (next_y - y) * (rate - x) / (next_x - x)


def _plots(where: str, index: int, study: Study) -> Iterator[Plot]:
    names = unique(name for cell in study.finished for name in cell.record.curves)
    for name in names:
        cells = list(
            _first_seeds(cell for cell in study.finished if cell.place == where and _has(cell, name))
        )
        if cells:
            yield _plot(f"curve-{index}-{names.index(name)}", where, name, cells, study)


def _notes(where: str, study: Study) -> tuple[str, ...]:
    cells = (cell for cell in study.finished if cell.place == where and cell.record.curves)
    return mixture((protocol(cell.record) for cell in cells), study.letters)


def _has(cell: Cell, name: str) -> bool:
    curve = cell.record.curves.get(name)
    return curve is not None and bool(curve.x)


def _first_seeds(cells: Iterable[Cell]) -> Iterator[Cell]:
    """One cell for each method and protocol: more lines than that cannot be told apart."""
    seen = set()
    for cell in sorted(cells, key=lambda cell: cell.record.seed):
        kind = cell.record.method, protocol(cell.record)
        if kind not in seen:
            seen.add(kind)
            yield cell


def _plot(identity: str, where: str, name: str, cells: list[Cell], study: Study) -> Plot:
    title, x_label, y_label = _KINDS.get(name, (name, "x", "y"))
    looks = styles(study.methods)

    def paint(axes: Axes) -> None:
        if name == "roc":
            axes.plot((0, 1), (0, 1), color=INK, alpha=0.4, linewidth=0.8)
        for index, cell in enumerate(cells):
            curve = cell.record.curves[name]
            axes.plot(curve.x, curve.y, **looks[cell.record.method].line, gid=f"line{index}")
        axes.set(xlabel=x_label, ylabel=y_label)
        axes.margins(0.02)

    seeds = sorted({cell.record.seed for cell in cells})
    told = f"seed {seeds[0]}" if len(seeds) == 1 else "the lowest seed of each method"
    hints = {f"line{index}": cell.record.method for index, cell in enumerate(cells)}
    described = f"{len(cells)} curves; the table tells their heights."
    svg = draw(paint, name=identity, title=f"{title}, {where}", description=described, hints=hints)
    return Plot(svg, f"{title}, {told}.", _table(name, y_label, cells, study))


def _table(name: str, what: str, cells: list[Cell], study: Study) -> Table:
    end = max(cell.record.curves[name].x[-1] for cell in cells)
    rates = [rate for rate in _RATES if rate <= end]
    rows = []
    for cell in cells:
        target = links.of_cell(cell)
        heights = [height(cell.record.curves[name], rate) for rate in rates]
        letter = study.letters[protocol(cell.record)]
        figures_of = [ABSENT if y is None else Datum(formatting.quality(y), y, target) for y in heights]
        rows.append((Datum(cell.record.method, target=target), Datum(letter), *figures_of))
    head = ("method", "protocol", *(f"at {rate:g}" for rate in rates))
    return Table(f"{what[0].upper()}{what[1:]} at false positive rates", head, tuple(rows))
