"""The tables and the picture of how costs grow over drawn embeddings, of the records of a suite.

`make bench-complexity` runs the suite and this program, which also writes a summary into `records/`.
"""

import json
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from matplotlib import pyplot
from matplotlib.axes import Axes

from padimkit.report import formatting
from padimkit.report.entries import Entry, read_entries
from padimkit.report.formats.markdown import as_markdown
from padimkit.report.formatting import Cost
from padimkit.report.growth import Line, growth_lines
from padimkit.report.power_law import medians
from padimkit.report.sections import growth
from padimkit.report.study import Study

RECORD = Path(__file__).parent / "records" / "complexity.json"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "complexity.png"
PANELS = (
    ("images", formatting.FIT),
    ("channels", formatting.FIT),
    ("images", formatting.SCORE_ONE),
    ("images", formatting.HELD),
)


def main(folder: Path) -> None:
    entries = read_entries([folder])
    study = Study(tuple(entries))
    print(as_markdown(study, [growth]))
    RECORD.write_text(json.dumps(summary(entries), indent=1) + "\n", encoding="utf-8")
    draw(study)


def summary(entries: Sequence[Entry]) -> dict[str, object]:
    """Return all measurements and predictions, with the machine they are of."""
    first = entries[0].record
    return {
        "environment": first.environment,
        "rates": {entry.record.cell.method: entry.record.rates for entry in entries},
        "cells": [
            {
                "method": entry.record.cell.method,
                "varied": entry.record.cell.varied,
                "form": entry.record.form,
                "seconds": {name: [float(f"{s:.4g}") for s in v] for name, v in entry.record.repeats.items()},
                "bytes": entry.record.bytes,
                "predicted": {name: float(f"{v:.4g}") for name, v in entry.record.predicted.items()},
            }
            for entry in entries
        ],
    }


def draw(study: Study) -> None:
    """Draw measurements as points, predictions as thin lines, and the knot of PaDiM's forms."""
    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(17, 4), layout="constrained")
    for panel, (varied, cost) in zip(axes, PANELS, strict=True):
        for index, line in enumerate(growth_lines(study)[varied, "embeddings"]):
            _show(panel, line, varied, cost, f"C{index}")
        panel.set(xscale="log", yscale="log", xlabel=varied, ylabel=f"{cost.label}, {cost.unit}")
        panel.grid(alpha=0.2)
    axes[0].legend(frameon=False)
    figure.savefig(PICTURE, dpi=80)
    pyplot.close(figure)


def _show(panel: Axes, line: Line, varied: str, cost: Cost, colour: str) -> None:
    points, predicted = medians(line.whole.measured(varied, cost)), line.whole.predicted(varied, cost)
    if points:
        panel.plot(*zip(*points, strict=True), "o", color=colour, label=line.name, markersize=5)
    if predicted:
        panel.plot(*zip(*predicted, strict=True), color=colour, linewidth=1)
    for before, after in pairwise(line.pieces):
        sizes = [piece.entries[at].record.cell.varied[varied] for piece, at in ((before, -1), (after, 0))]
        panel.axvline((sizes[0] * sizes[1]) ** 0.5, color=colour, linestyle=":", linewidth=0.8)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
