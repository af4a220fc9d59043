"""The records: all numbers, the settings, and the command that measures them again.

A section of its own, named by its template and by the list of sections.
"""

import json
from typing import Any

from padimkit.report.entries import Entry
from padimkit.report.protocols import shared_settings
from padimkit.report.scoreboards import Row, rows_of
from padimkit.report.study import Study
from padimkit.report.tables import Table

name = "records"
title = "Records"


def build(study: Study) -> dict[str, Any]:
    """Return the rows that group the records by data set, method, protocol and category."""
    rows = [row for dataset in study.datasets for row in rows_of(study, dataset)]
    return {"rows": rows, "alike": {key: found for row in rows for key, found in alike(row).items()}}


def alike(row: Row) -> dict[str, Entry]:
    """Return, by key, an earlier entry of the row with the same settings but for seed and category.

    A page of a thousand records would else consist of their settings.
    """
    first: dict[str, Entry] = {}
    found = {}
    for entries in row.entries.values():
        for entry in entries:
            twin = first.setdefault(json.dumps(shared_settings(entry.record), sort_keys=True), entry)
            if twin is not entry:
                found[entry.record.key] = twin
    return found


def tables(study: Study) -> tuple[Table, ...]:
    """Return none: CSV has a line for each record."""
    return ()
