"""A cell as one row: its names, and all its numbers by name."""

from typing import Any

from padimkit.benchmark.columns import column_of
from padimkit.report.entries import Entry
from padimkit.report.protocols import protocol


def row_of(entry: Entry) -> dict[str, Any]:
    """Return the row: times in seconds, sizes in bytes, and nothing for what was not measured."""
    record, cell = entry.record, entry.record.cell
    row: dict[str, Any] = {"key": record.key}
    row |= {name: getattr(cell, name) for name in ("suite", "method", "dataset", "category", "seed")}
    row |= {"group": cell.group} if cell.group else {}
    row |= {"protocol": str(protocol(record)), "file": str(entry.file)}
    row |= _failure(entry)
    row |= {f"varied {name}": value for name, value in cell.varied.items()}
    row |= {column_of(name): value for name, value in record.metrics.items()}
    if record.verdicts is not None:
        row |= {f"verdicts {name}": value for name, value in vars(record.verdicts).items()}
    row |= {f"{column_of(name)} undefined": reason for name, reason in record.undefined.items()}
    for name, spread in record.seconds.items():
        row[f"{name} seconds"] = spread.median
        row |= {f"{name} seconds {part}": getattr(spread, part) for part in ("lower", "upper", "count")}
    row |= _processes(entry)
    row |= {f"{name} bytes": size for name, size in record.bytes.items()}
    if record.flops is not None:
        row["flops"] = record.flops
    if record.facts is not None:
        row |= {name: value for name, value in vars(record.facts).items() if name != "places"}
        row["images_learnt"] = record.cell.train_images or record.facts.train_images
        row["invisible"] = record.invisible
    return row | {"begun": record.begun, "took": record.took}


def _processes(entry: Entry) -> dict[str, Any]:
    """Return the medians of each process that has measured times, and how disturbed they were."""
    found = entry.record.processes
    if not found:
        return {}
    medians = {
        f"{name} seconds process {number}": value
        for number, one in enumerate(found, 1)
        for name, value in one.seconds.items()
        if len(found) > 1
    }
    disturbed = sum(one.is_disturbed for one in found)
    drift = max(one.drift for one in found)
    return medians | {"processes": len(found), "processes disturbed": disturbed, "speed drift": drift}


def _failure(entry: Entry) -> dict[str, str]:
    failure = entry.record.failure
    interrupted = entry.record.interrupted
    if failure is None:
        found = {"state": "finished", "cause": "", "stage": "", "message": ""}
        return found if interrupted is None else found | {"interrupted": interrupted.message}
    return {"state": "failed", "cause": failure.cause, "stage": failure.stage, "message": failure.message}
