"""All entries of a report: compared, varied, failed and missing ones."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from padimkit.benchmark.store import Plan, plans
from padimkit.report.entries import Entry, place, read_entries
from padimkit.report.notation import USUAL, Notation
from padimkit.report.protocols import Protocol, lettered


@dataclass(frozen=True)
class Study:
    """The entries of a report.

    Args:
        entries: All that count.
        plans: Plans of suites; for suites without one, missing cells are guessed from the records.
        outdated: Entries whose suite no longer has them.
        notation: The way in which metric values are written.
    """

    entries: tuple[Entry, ...]
    plans: tuple[Plan, ...] = ()
    outdated: tuple[Entry, ...] = ()
    notation: Notation = USUAL

    @cached_property
    def finished(self) -> list[Entry]:
        """Entries with a result, in which nothing is varied."""
        return [entry for entry in self._with_result if not entry.record.cell.varied]

    @cached_property
    def varied(self) -> list[Entry]:
        """Entries of complexity studies that have a result."""
        return [entry for entry in self._with_result if entry.record.cell.varied]

    @cached_property
    def failed(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.record.failure is not None]

    @cached_property
    def missing(self) -> list[str]:
        """Names of planned cells without a record; without a plan, the gaps between the records."""
        keys = {entry.record.key for entry in self.entries}
        planned = {plan.suite for plan in self.plans}
        suites = defaultdict(list)
        for entry in self.entries:
            cell = entry.record.cell
            if not cell.varied and cell.suite not in planned:
                suites[cell.suite].append(entry)
        guessed = [gap for suite, entries in suites.items() for gap in _gaps(suite, entries)]
        return guessed + [
            f"{title} (suite {plan.suite})"
            for plan in self.plans
            for key, title in plan.titles.items()
            if key not in keys
        ]

    @cached_property
    def failures(self) -> list[str]:
        """Sentences that name each failed cell with its cause, stage and message."""
        return [f"Failed: {entry.name}: {entry.failure}" for entry in self.failed]

    @cached_property
    def gaps(self) -> list[str]:
        """Sentences that name each missing cell, and each that does not count."""
        left_out = [f"Left out, since its suite no longer has it: {entry.name}." for entry in self.outdated]
        return [*(f"Missing: {missing}." for missing in self.missing), *left_out]

    @cached_property
    def methods(self) -> list[str]:
        return unique(entry.record.cell.method for entry in self.entries)

    @cached_property
    def datasets(self) -> list[str]:
        return unique(entry.record.cell.dataset for entry in self.entries)

    @cached_property
    def metrics(self) -> list[str]:
        """Names of all metrics, those included that are undefined everywhere."""
        return unique(
            name for entry in self.entries for name in [*entry.record.metrics, *entry.record.undefined]
        )

    def sign(self, metric: str) -> int:
        """Return 1 if higher values of the metric are better, and -1 if lower ones are."""
        return -1 if any(metric in entry.record.lower_is_better for entry in self.entries) else 1

    @cached_property
    def letters(self) -> dict[Protocol, str]:
        """Short names of the protocols."""
        return lettered(self.entries)

    @property
    def _with_result(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.record.failure is None]


def read_study(paths: Sequence[Path], notation: Notation = USUAL) -> Study:
    """Return the study of all records and plans in folders, and of single files.

    Raises:
        BadData: There are no records, or a file among them is not a record.
    """
    entries = read_entries(paths)
    beside = {path: tuple(plans(path)) for path in dict.fromkeys(paths) if path.is_dir()}
    found = tuple(plan for some in beside.values() for plan in some)
    wanted = {key for plan in found for key in plan.titles}

    def outdated(entry: Entry) -> bool:
        suites = {plan.suite for plan in beside.get(entry.file.parent, ())}
        return entry.record.cell.suite in suites and entry.record.key not in wanted

    current = tuple(entry for entry in entries if not outdated(entry))
    return Study(current, found, tuple(filter(outdated, entries)), notation)


def unique(names: Iterable[str]) -> list[str]:
    """Return the names once each, in the order in which they first occur."""
    return list(dict.fromkeys(names))


def _gaps(suite: str, entries: Sequence[Entry]) -> list[str]:
    """Return the cells that a suite seems to have, judged by its other records, without a record."""
    cells = [entry.record.cell for entry in entries]
    there = {(cell.method, cell.dataset, cell.category, cell.seed) for cell in cells}
    return [
        f"{method} on {place(dataset, category)}, seed {seed} (suite {suite})"
        for method in sorted({cell.method for cell in cells})
        for dataset, category in sorted({(cell.dataset, cell.category) for cell in cells})
        for seed in _seeds(entries, method, dataset)
        if (method, dataset, category, seed) not in there
    ]


def _seeds(entries: Sequence[Entry], method: str, dataset: str) -> list[int]:
    """Return the seeds expected of a method: those of all methods on the data set, or its single one.

    A deterministic method has a single seed, because a suite runs it once.
    """
    here = [entry.record.cell for entry in entries if entry.record.cell.dataset == dataset]
    own = {cell.seed for cell in here if cell.method == method}
    return sorted(own if len(own) == 1 else {cell.seed for cell in here})
