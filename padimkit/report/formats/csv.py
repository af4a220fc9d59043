"""The report as CSV: one line per cell, with all its numbers.

A format of its own: it goes through the cells one by one, and not through the tables of the sections.
"""

import csv
import io
from typing import Any

from padimkit.files.foreign_text import as_cell, printable
from padimkit.report.row import row_of
from padimkit.report.study import Study, unique


def as_csv(study: Study) -> str:
    """Return a line for each cell: times in seconds, sizes in bytes, nothing for what was not measured."""
    rows = [row_of(entry) for entry in study.entries]
    file = io.StringIO()
    names = unique(name for row in rows for name in row)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(_cell, names))
    writer.writerows([_cell(row.get(name, "")) for name in names] for row in rows)
    return file.getvalue()


def _cell(value: Any) -> Any:
    return as_cell(printable(value)) if isinstance(value, str) else value
