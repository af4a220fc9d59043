"""Entries of a report: records with the files that they were read from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from padimkit.benchmark import store
from padimkit.benchmark.record import Record
from padimkit.errors import BadData


@dataclass(frozen=True)
class Entry:
    """A record and its file, and the files of other records of the same cell, which do not count."""

    record: Record
    file: Path
    others: tuple[Path, ...] = ()

    @property
    def place(self) -> str:
        """Full name of the category."""
        return place(self.record.cell.dataset, self.record.cell.category)

    @property
    def name(self) -> str:
        """Name for readers."""
        varied = f", {self.varied}" if self.varied else ""
        cell = self.record.cell
        return f"{cell.method} on {self.place}, seed {cell.seed}{varied}"

    @property
    def failure(self) -> str:
        """Cause, stage and message of a failure; empty if there is none."""
        failure = self.record.failure
        if failure is None:
            return ""
        return f"{failure.cause} in the stage “{failure.stage or 'unknown'}”. {failure.message}"

    @property
    def state(self) -> str:
        """Either "finished", or "failed" with the cause."""
        failure = self.record.failure
        return "finished" if failure is None else f"failed: {failure.cause}"

    @property
    def varied(self) -> str:
        """Varied quantities of a complexity study with their values, as text."""
        return ", ".join(f"{name} = {value:g}" for name, value in self.record.cell.varied.items())


def place(dataset: str, category: str) -> str:
    """Return the full name of a category, with its data set."""
    return f"{dataset} / {category}" if category else dataset


def files_of_records(paths: Sequence[Path]) -> list[Path]:
    """Return the files of records in folders, and single ones, without reading any.

    Raises:
        BadData: There are none.
    """
    found = list(dict.fromkeys(store.files_of(paths)))
    if not found:
        raise BadData(_no_records(paths))
    return found


def read_entries(paths: Sequence[Path]) -> list[Entry]:
    """Return the entries of folders and of single files; a cell that several suites share counts once.

    Of several records of a cell the finished one counts that most processes have timed, the latest of
    several.

    Raises:
        BadData: There are none, a file is not a record, a number is not finite, or two files hold the same
            cell with different metric values.
    """
    entries: dict[str, Entry] = {}
    for file in files_of_records(paths):
        entry = Entry(store.read(file), file)
        _require_finite(entry)
        twin = entries.get(entry.record.key)
        entries[entry.record.key] = entry if twin is None else _chosen(twin, entry)
    return sorted(entries.values(), key=_order)


def _no_records(paths: Sequence[Path]) -> str:
    """Return what to do; a suite writes its records one folder below `records`, which is easily given."""
    named = ", ".join(f'"{path}"' for path in paths)
    below = sorted({f'"{file.parent}"' for path in paths for file in path.glob("*/*.json")})
    todo = f"Name folders in it: {', '.join(below)}." if below else "`padimkit benchmark SUITE` writes them."
    return f"No records are in {named}. {todo}"


def _chosen(one: Entry, other: Entry) -> Entry:
    """Return the entry that counts of two of one cell, with the file of the other unless it is the same."""
    both = one.record.failure is None and other.record.failure is None
    if both and one.record.metrics != other.record.metrics:
        raise BadData(
            f'"{one.file}" and "{other.file}" are records of the same cell with different metric values. '
            "Move one of them away, or report the folders separately."
        )
    best, left = (other, one) if store.worth(other.record) > store.worth(one.record) else (one, other)
    same = replace(left.record, cell=best.record.cell) == best.record
    return replace(best, others=(*one.others, *other.others, *(() if same else (left.file,))))


def _order(entry: Entry) -> tuple[object, ...]:
    cell = entry.record.cell
    varied = tuple(sorted(cell.varied.items()))
    return cell.suite, cell.dataset, cell.category, cell.method, varied, cell.seed, entry.record.key


def _require_finite(entry: Entry) -> None:
    record = entry.record
    numbers: dict[str, float] = {**record.metrics, **record.bytes, **record.cell.varied}
    numbers |= {name: spread.median for name, spread in record.seconds.items()}
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise BadData(
                f'"{entry.file}" is not a whole record: its "{name}" is {value!r}, not a finite number.'
            )
