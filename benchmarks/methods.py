"""The tables of docs/methods.md: all methods of a suite side by side, by their metrics and by their costs.

`make bench-methods` and `make bench-lite0` run suites and print them; seeds are shown as mean and standard
deviation, in percent.
"""

import sys
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from padimkit.benchmark.record import Record
from padimkit.benchmark.store import read_all
from padimkit.report.statistics import spread

METRICS = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC", "pro": "PRO"}


def table(records: Iterable[Record]) -> list[str]:
    """Return lines of Markdown: a row for each method, a column for each category and metric."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for record in records:
        for metric, value in record.metrics.items():
            found.setdefault((record.cell.method, record.cell.category, metric), []).append(100 * value)
    methods = dict.fromkeys(method for method, _, _ in found)
    categories = sorted({category for _, category, _ in found}, reverse=True)
    columns = [
        (category, metric)
        for category, metric in product(categories, METRICS)
        if any((method, category, metric) in found for method in methods)
    ]
    head = ["method", *(f"{category}: {METRICS[metric]}" for category, metric in columns)]
    rows = [[method, *(_shown(found.get((method, *column), [])) for column in columns)] for method in methods]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


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
    print(*(table(found) if any(record.metrics for record in found) else costs(found)), sep="\n")
