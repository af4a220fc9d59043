"""The tables of docs/methods.md: all methods of a suite side by side, by their metrics and by their costs.

`make bench-methods` and `make bench-lite0` run suites and print them; seeds are shown as mean and standard
deviation, in percent.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from padimkit.benchmark.record import Record
from padimkit.benchmark.store import read_all
from padimkit.report.statistics import spread

METRICS = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC", "pro": "PRO"}
FURTHER = {
    "image_average_precision": "image AP",
    "image_f1_max": "image F1-max",
    "pixel_average_precision": "pixel AP",
    "pixel_f1_max": "pixel F1-max",
    "aupimo": "AUPIMO",
}


def table(records: Iterable[Record], metrics: Mapping[str, str]) -> list[str]:
    """Return lines of Markdown: a row for each method, a column for each category."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for record in records:
        for metric, value in record.metrics.items():
            found.setdefault((record.cell.method, record.cell.category, metric), []).append(100 * value)
    methods = dict.fromkeys(method for method, _, _ in found)
    categories = sorted({category for _, category, _ in found}, reverse=True)
    shown = [metric for metric in metrics if any(metric == known for _, _, known in found)]
    head = [" / ".join(metrics[metric] for metric in shown), *categories]
    rows = [
        [
            method,
            *(
                " / ".join(_shown(found.get((method, one, metric), [])) for metric in shown).strip()
                for one in categories
            ),
        ]
        for method in methods
    ]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)] if shown else []


def costs(records: Iterable[Record]) -> list[str]:
    """Return lines of Markdown: a row for each method whose time and memory were measured."""
    measured = [record for record in records if record.seconds and record.bytes]
    head = ["method", "fit, s", "one image, ms", "of eight, ms each", "model, MB", "peak of a fit, MB"]
    rows = [
        [
            record.cell.method,
            f"{record.seconds['fit'].median:.1f}",
            *(f"{1000 * record.seconds[f'predict {size}'].median:.0f}" for size in (1, 8)),
            *(f"{record.bytes[name] / 1e6:.0f}" for name in ("model", "peak fit")),
        ]
        for record in measured
    ]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)] if rows else []


def _shown(values: list[float]) -> str:
    if len(values) < 2:
        return "".join(f"{value:.1f}" for value in values)
    found = spread(values)
    return f"{found.mean:.1f} ± {found.deviation:.1f}"


if __name__ == "__main__":
    found = read_all(Path(sys.argv[1]))
    print(*table(found, METRICS), "", *table(found, FURTHER), "", *costs(found), sep="\n")
