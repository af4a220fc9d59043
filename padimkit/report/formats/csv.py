"""The report as CSV: one line per cell, with all its numbers.

A format of its own: it goes through the cells one by one, and not through the tables of the sections.
"""

import csv
import io
from typing import Any

from padimkit.files.foreign_text import as_cell, printable
from padimkit.report.entries import Entry
from padimkit.report.protocols import protocol
from padimkit.report.study import Study, unique


def as_csv(study: Study) -> str:
    """Return a line for each cell: times in seconds, sizes in bytes, nothing for what was not measured."""
    rows = [_row(entry) for entry in study.entries]
    file = io.StringIO()
    names = unique(name for row in rows for name in row)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(_cell, names))
    writer.writerows([_cell(row.get(name, "")) for name in names] for row in rows)
    return file.getvalue()


def _cell(value: Any) -> Any:
    return as_cell(printable(value)) if isinstance(value, str) else value


def _row(entry: Entry) -> dict[str, Any]:
    record, cell = entry.record, entry.record.cell
    row: dict[str, Any] = {"key": record.key}
    row |= {name: getattr(cell, name) for name in ("suite", "method", "dataset", "category", "seed")}
    row |= {"protocol": str(protocol(record)), "file": str(entry.file)}
    row |= _failure(entry)
    row |= {f"varied {name}": value for name, value in cell.varied.items()}
    row |= record.metrics
    if record.verdicts is not None:
        row |= {f"verdicts {name}": value for name, value in vars(record.verdicts).items()}
    row |= {f"{name} undefined": reason for name, reason in record.undefined.items()}
    for name, spread in record.seconds.items():
        row[f"{name} seconds"] = spread.median
        row |= {f"{name} seconds {part}": getattr(spread, part) for part in ("lower", "upper", "count")}
    row |= {f"{name} bytes": size for name, size in record.bytes.items()}
    if record.flops is not None:
        row["flops"] = record.flops
    if record.facts is not None:
        row |= vars(record.facts)
    return row | {"begun": record.begun, "took": record.took}


def _failure(entry: Entry) -> dict[str, str]:
    failure = entry.record.failure
    if failure is None:
        return {"state": "finished", "cause": "", "stage": "", "message": ""}
    return {"state": "failed", "cause": failure.cause, "stage": failure.stage, "message": failure.message}
