"""The section my_plugin, which every report has once it is installed."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from padimkit import ReportSection
from padimkit.report.section import Datum, Drawing, Record, Table


class MyPlugin(ReportSection):
    """The seconds that the cells of each method took, as a table and as bars."""

    title = "Seconds of cells"

    def build(self, records: Sequence[Record]) -> list[Table | Drawing]:
        """Return a drawing with its table; nothing if no cell has finished."""
        took: dict[str, list[float]] = {}
        for record in sorted(records, key=lambda record: record.key):
            if record.failure is None:  # a cell that failed has no results
                took.setdefault(record.cell.method, []).append(record.took)
        if not took:
            return []
        rows = {method: median(seconds) for method, seconds in sorted(took.items())}
        table = Table(
            caption="Median seconds of a cell",
            head=("method", "seconds"),
            rows=tuple((Datum(name), Datum(f"{number:.1f}", value=number)) for name, number in rows.items()),
        )

        def paint(axes: Any) -> None:  # matplotlib's, in the style of the page
            axes.barh(list(rows), list(rows.values()))
            axes.set_xlabel("seconds")

        return [Drawing(paint, "Median seconds of a cell.", "A bar for each method.", table)]
