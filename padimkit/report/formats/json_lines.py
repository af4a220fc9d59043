"""The report as JSON lines: an object per cell, with all its numbers.

A format of its own: like CSV it goes through the cells, and unlike it, it keeps what is text and what is not.
"""

import json

from padimkit.report.row import row_of
from padimkit.report.study import Study


def as_json_lines(study: Study) -> str:
    """Return a line for each cell: times in seconds, sizes in bytes, no key for what was not measured."""
    return "".join(json.dumps(row_of(entry), ensure_ascii=False) + "\n" for entry in study.entries)
