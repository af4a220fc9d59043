"""ROC and PRO curves of all methods on each category."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from padimkit.benchmark.record import Curve
from padimkit.report import formatting, links
from padimkit.report.entries import Entry
from padimkit.report.plots.styles import styles
from padimkit.report.plots.svg import INK, draw
from padimkit.report.protocols import mixture, protocol
from padimkit.report.study import Study, unique
from padimkit.report.tables import ABSENT, Datum, Plot, Table

name = "curves"
title = "ROC and PRO curves"
_KINDS = {
    "roc": ("ROC of images", "false positive rate of images", "true positive rate of images"),
    "pro": ("PRO of regions", "false positive rate of pixels", "mean overlap of regions"),
}
_RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class CategoryCurves:
    """The plots of a category: ROC of images and PRO of regions."""

    place: str
    plots: list[Plot]
    notes: tuple[str, ...]


def build(study: Study) -> dict[str, Any] | None:
    """Return the categories; None if no record has curves."""
    found = category_curves(study)
    return {"categories": found} if found else None


def tables(study: Study) -> tuple[Table, ...]:
    """Return none: Markdown and LaTeX do without the heights of curves."""
    return ()


def category_curves(study: Study) -> list[CategoryCurves]:
    """Return the plots of each category that has curves."""
    places = unique(
        entry.place for entry in study.finished if any(curve.x for curve in entry.record.curves.values())
    )
    return [
        CategoryCurves(where, list(_plots(where, index, study)), _notes(where, study))
        for index, where in enumerate(places)
    ]


def height(curve: Curve, rate: float) -> float | None:
    """Return the interpolated height of the curve: at a step its upper end, beyond the curve None."""
    if not curve.x[0] <= rate <= curve.x[-1]:
        return None
    right = bisect_right(curve.x, rate)
    if right == len(curve.x) or curve.x[right - 1] == rate:
        return curve.y[right - 1]
    (x, y), (next_x, next_y) = ((curve.x[at], curve.y[at]) for at in (right - 1, right))
    return y + (next_y - y) * (rate - x) / (next_x - x)


def _plots(where: str, index: int, study: Study) -> Iterator[Plot]:
    names = unique(name for entry in study.finished for name in entry.record.curves)
    for name in names:
        entries = list(
            _first_seeds(entry for entry in study.finished if entry.place == where and _has(entry, name))
        )
        if entries:
            yield _plot(f"curve-{index}-{names.index(name)}", where, name, entries, study)


def _notes(where: str, study: Study) -> tuple[str, ...]:
    entries = (entry for entry in study.finished if entry.place == where and entry.record.curves)
    return mixture((protocol(entry.record) for entry in entries), study.letters)


def _has(entry: Entry, name: str) -> bool:
    curve = entry.record.curves.get(name)
    return curve is not None and bool(curve.x)


def _first_seeds(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield an entry for each method and protocol: more lines than that cannot be told apart."""
    seen = set()
    for entry in sorted(entries, key=lambda entry: entry.record.cell.seed):
        kind = entry.record.cell.method, protocol(entry.record)
        if kind not in seen:
            seen.add(kind)
            yield entry


def _plot(identity: str, where: str, name: str, entries: list[Entry], study: Study) -> Plot:
    title, x_label, y_label = _KINDS.get(name, (name, *_axes(name)))
    looks = styles(study.methods)

    def paint(axes: Axes) -> None:
        if name == "roc":
            axes.plot((0, 1), (0, 1), color=INK, alpha=0.4, linewidth=0.8)
        for index, entry in enumerate(entries):
            curve = entry.record.curves[name]
            axes.plot(curve.x, curve.y, **looks[entry.record.cell.method].line, gid=f"line{index}")
        axes.set(xlabel=x_label, ylabel=y_label)
        axes.margins(0.02)

    seeds = sorted({entry.record.cell.seed for entry in entries})
    shown = f"seed {seeds[0]}" if len(seeds) == 1 else "the lowest seed of each method"
    hints = {f"line{index}": entry.record.cell.method for index, entry in enumerate(entries)}
    described = f"{len(entries)} curves; the table has their heights."
    svg = draw(paint, name=identity, title=f"{title}, {where}", description=described, hints=hints)
    return Plot(svg, f"{title}, {shown}.", _table(name, y_label, entries, study))


def _axes(name: str) -> tuple[str, str]:
    """Those of "pro" for a metric that is called "pro(max_fpr=0.1)" beside another one."""
    _, x_label, y_label = _KINDS.get(name.partition("(")[0], ("", "x", "y"))
    return x_label, y_label


def _table(name: str, what: str, entries: list[Entry], study: Study) -> Table:
    end = max(entry.record.curves[name].x[-1] for entry in entries)
    rates = [rate for rate in _RATES if rate <= end]
    rows = []
    for entry in entries:
        target = links.of_entry(entry)
        heights = [height(entry.record.curves[name], rate) for rate in rates]
        letter = study.letters[protocol(entry.record)]
        data = [ABSENT if y is None else Datum(formatting.quality(y), y, target) for y in heights]
        rows.append((Datum(entry.record.cell.method, target=target), Datum(letter), *data))
    head = ("method", "protocol", *(f"at {rate:g}" for rate in rates))
    return Table(f"{what[0].upper()}{what[1:]} at false positive rates", head, tuple(rows))
