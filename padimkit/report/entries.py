"""Cells as a report sees them: a record, and the file that it was read from."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from padimkit.benchmark import store
from padimkit.benchmark.record import Record
from padimkit.errors import BadData


@dataclass(frozen=True)
class Entry:
    """A record and its file."""

    record: Record
    file: Path

    @property
    def place(self) -> str:
        """Data set and category in one word."""
        return place(self.record.dataset, self.record.category)

    @property
    def name(self) -> str:
        """What a reader calls it."""
        varied = f", {self.varied}" if self.varied else ""
        return f"{self.record.method} on {self.place}, seed {self.record.seed}{varied}"

    @property
    def failure(self) -> str:
        """Cause, stage and message of a failure; empty where there is none."""
        failure = self.record.failure
        return (
            f"{failure.cause} in the stage “{failure.stage or 'unknown'}”. {failure.message}"
            if failure
            else ""
        )

    @property
    def state(self) -> str:
        """ "finished", or "failed" and the cause."""
        failure = self.record.failure
        return "finished" if failure is None else f"failed: {failure.cause}"

    @property
    def varied(self) -> str:
        """What a complexity study varies here, as text."""
        return ", ".join(f"{name} = {value:g}" for name, value in self.record.varied.items())


def place(dataset: str, category: str) -> str:
    """A category by its full name."""
    return f"{dataset} / {category}" if category else dataset


def read_entries(paths: Sequence[Path]) -> list[Entry]:
    """The cells in folders of records, or in single files; what several suites have in common counts once.

    Raises:
        BadData: There are none, a file is no record, a figure is not finite, or two files hold the same cell
            with different figures of merit.
    """
    entries: dict[str, Entry] = {}
    for file in _files(paths):
        entry = Entry(store.read(file), file)
        _require_finite(entry)
        twin = entries.setdefault(entry.record.key, entry)
        if twin.record.metrics != entry.record.metrics:
            raise BadData(
                f'"{twin.file}" and "{file}" are records of the same cell with different figures. '
                "A report takes one of each: move the other away, or report the folders apart."
            )
    if not entries:
        named = ", ".join(f'"{path}"' for path in paths)
        raise BadData(f"No records are in {named}. `padimkit benchmark SUITE` writes them.")
    return sorted(entries.values(), key=_order)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(store.paths(path))
        elif path.exists():
            yield path
        else:
            raise BadData(f'"{path}" does not exist. A folder of records, or one record, was expected.')


def _order(entry: Entry) -> tuple[object, ...]:
    record = entry.record
    varied = tuple(sorted(record.varied.items()))
    return record.suite, record.dataset, record.category, record.method, varied, record.seed, record.key


def _require_finite(entry: Entry) -> None:
    record = entry.record
    figures: dict[str, float] = {**record.metrics, **record.bytes, **record.varied}
    figures |= {name: spread.median for name, spread in record.seconds.items()}
    for name, value in figures.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise BadData(
                f'"{entry.file}" is no whole record: its "{name}" is {value!r}, not a finite number.'
            )
