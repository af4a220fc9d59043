"""The records: all numbers, the settings, and the command that measures them again.

A section of its own, named by its template and by the list of sections.
"""

from typing import Any

from padimkit.report.scoreboards import rows_of
from padimkit.report.study import Study
from padimkit.report.tables import Table

name = "records"
title = "Records"


def build(study: Study) -> dict[str, Any]:
    """Return the rows that group the records by data set, method, protocol and category."""
    return {"rows": [row for dataset in study.datasets for row in rows_of(study, dataset)]}


def tables(study: Study) -> tuple[Table, ...]:
    """Return none: CSV has a line for each record."""
    return ()
