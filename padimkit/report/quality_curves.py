"""Metric values at the sizes that a study varies: a table and a plot for each metric.

They stand apart from costs, which formulas predict and which grow as powers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from padimkit.report import links
from padimkit.report.entries import Entry
from padimkit.report.growth import Line
from padimkit.report.plots.axes import size_axis
from padimkit.report.plots.styles import styles
from padimkit.report.plots.svg import draw
from padimkit.report.protocols import Protocol, mixture, protocol
from padimkit.report.scoreboards import best_of, by_seed, metric_value
from padimkit.report.statistics import MeanSpread, spread
from padimkit.report.study import Study
from padimkit.report.tables import DASH, Datum, Plot, Table


@dataclass(frozen=True)
class QualityCurves:
    """A metric along lines of entries at which one quantity is varied.

    Args:
        metric: Its name.
        sign: 1 if higher values are better, and -1 if lower ones are.
        varied: The quantity.
        place: The data.
        lines: All, those without a value too.
    """

    metric: str
    sign: int
    varied: str
    place: str
    lines: tuple[Line, ...]

    @cached_property
    def entries(self) -> list[dict[float, list[Entry]]]:
        """For each line its entries by size."""
        return [_by_size(line, self.varied) for line in self.lines]

    @cached_property
    def values(self) -> list[dict[float, MeanSpread]]:
        """For each line mean and spread over seeds, by size."""
        return [_spreads(found, self.metric) for found in self.entries]

    @property
    def sizes(self) -> list[float]:
        """All sizes at which a line has a value, ascending."""
        return sorted(set().union(*self.values))

    @property
    def title(self) -> str:
        return f"{self.metric} with {self.varied}"

    def is_best(self, number: int, size: float) -> bool:
        """Return whether no line has a better mean at a size, of those of its protocol; one alone is not."""
        kind = self._protocol(number, size)
        rivals = [
            found[size].mean
            for other, found in enumerate(self.values)
            if size in found and self._protocol(other, size) == kind
        ]
        return self.values[number][size].mean == best_of(rivals, self.sign)

    def _protocol(self, number: int, size: float) -> Protocol:
        return protocol(self.entries[number][size][0].record)


def quality_curves(study: Study, varied: str, place: str, lines: Sequence[Line]) -> Iterator[QualityCurves]:
    """Yield each metric that any of the lines has values of."""
    for metric in study.metrics:
        found = QualityCurves(metric, study.sign(metric), varied, place, tuple(lines))
        if found.sizes:
            yield found


def quality_table(curves: QualityCurves, study: Study) -> Table:
    """Return a row for each line, and a column for each size."""
    rows = tuple(
        (Datum(line.name), *(_datum(curves, number, size, study) for size in curves.sizes))
        for number, line in enumerate(curves.lines)
    )
    metric = study.notation.caption(f"{curves.title}, {curves.place}")
    caption = metric if curves.sign > 0 else f"{metric}; lower is better"
    head = ("method", *(f"{curves.varied} = {size:g}" for size in curves.sizes))
    counts = {one.count for found in curves.values for one in found.values()}
    protocols = frozenset().union(*(line.protocols for line in curves.lines))
    notes, legend = mixture(protocols, study.letters), study.notation.plus_minus(counts)
    return study.notation.laid(Table(caption, head, rows, notes, legend))


def quality_plot(curves: QualityCurves, name: str, study: Study) -> Plot | None:
    """Return a line for each method; None if none has a value at two sizes."""
    looks = styles(study.methods)
    points = [[(size, found[size]) for size in sorted(found)] for found in curves.values]
    logarithmic = min(curves.sizes) > 0
    shown = [(line, some) for line, some in zip(curves.lines, points, strict=True) if len(some) > 1]
    if not shown:
        return None

    def paint(axes: Axes) -> None:
        for index, (line, some) in enumerate(shown):
            sizes, means = [size for size, _ in some], [one.mean for _, one in some]
            look = looks[line.method]
            axes.plot(sizes, means, **(look.line | look.point | {"markersize": 5}), gid=f"line{index}")
            axes.errorbar(
                sizes, means, [one.deviation for _, one in some], fmt="none", ecolor=look.colour, alpha=0.6
            )
        if logarithmic:
            size_axis(axes.xaxis, [size for _, some in shown for size, _ in some])
        else:
            axes.set_xticks(curves.sizes)
        axes.margins(y=0.12)
        axes.set(xlabel=curves.varied, ylabel=study.notation.caption(curves.metric))
        if study.notation.percent:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))

    hints = {f"line{index}": line.name for index, (line, _) in enumerate(shown)}
    described = f"Points are means over seeds{'; the axis of sizes is logarithmic' if logarithmic else ''}."
    svg = draw(paint, name=name, title=curves.title, description=described, hints=hints)
    bars = any(one.count > 1 for _, some in shown for _, one in some)
    return Plot(svg, f"{curves.title}.{' Bars: standard deviation over seeds.' if bars else ''}")


def _by_size(line: Line, varied: str) -> dict[float, list[Entry]]:
    found: dict[float, list[Entry]] = {}
    for entry in line.entries:
        found.setdefault(entry.record.cell.varied[varied], []).append(entry)
    return found


def _spreads(entries: dict[float, list[Entry]], metric: str) -> dict[float, MeanSpread]:
    values = {size: by_seed(some, metric_value(metric)) for size, some in entries.items()}
    return {size: spread(list(found.values())) for size, found in values.items() if found}


def _datum(curves: QualityCurves, number: int, size: float, study: Study) -> Datum:
    entries, found = curves.entries[number].get(size, []), curves.values[number].get(size)
    if found is None:
        undefined = any(curves.metric in entry.record.undefined for entry in entries)
        return Datum("undefined") if undefined else Datum(DASH, note="no cell has finished")
    target = links.of_entry(entries[0])
    notes = ["1 value" if found.count == 1 else f"{found.count} seeds"]
    notes += [f"standard error of the mean {found.error:.4f}"] if found.deviation > 0 else []
    best = curves.is_best(number, size)
    return Datum(study.notation.mean(found), found.mean, target, best, ", ".join(notes))
