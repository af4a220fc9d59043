"""All cells of a report, sorted into what was compared, what was varied, and what is not there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from padimkit.benchmark.record import Record
from padimkit.report.cells import Cell, place
from padimkit.report.protocols import Protocol, lettered


@dataclass(frozen=True)
class Missing:
    """A cell that a suite should have, going by its others, and has no record of."""

    suite: str
    method: str
    place: str
    seed: int

    def __str__(self) -> str:
        return f"{self.method} on {self.place}, seed {self.seed} (suite {self.suite})"


@dataclass(frozen=True)
class Study:
    """The cells of a report."""

    cells: tuple[Cell, ...]

    @cached_property
    def finished(self) -> list[Cell]:
        """Cells with a result, in which nothing is varied."""
        return [cell for cell in self.cells if cell.record.failure is None and not cell.record.varied]

    @cached_property
    def varied(self) -> list[Cell]:
        """Cells of complexity studies that have a result."""
        return [cell for cell in self.cells if cell.record.failure is None and cell.record.varied]

    @cached_property
    def failed(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.record.failure is not None]

    @cached_property
    def missing(self) -> list[Missing]:
        """Combinations of a suite's methods, categories and seeds that have no record."""
        suites = defaultdict(list)
        for cell in self.cells:
            if not cell.record.varied:
                suites[cell.record.suite].append(cell)
        return [missing for suite, cells in suites.items() for missing in _gaps(suite, cells)]

    @cached_property
    def failures(self) -> list[str]:
        """A sentence for each failed cell: its cause, stage and message."""
        return [f"Failed: {cell.name}: {cell.failure}" for cell in self.failed]

    @cached_property
    def gaps(self) -> list[str]:
        """A sentence for each missing cell."""
        return [f"Missing: {missing}." for missing in self.missing]

    @cached_property
    def methods(self) -> list[str]:
        return unique(cell.record.method for cell in self.cells)

    @cached_property
    def datasets(self) -> list[str]:
        return unique(cell.record.dataset for cell in self.cells)

    @cached_property
    def metrics(self) -> list[str]:
        """Every figure of merit that some cell has, or could not have."""
        return unique(name for cell in self.cells for name in [*cell.record.metrics, *cell.record.undefined])

    def sign(self, metric: str) -> int:
        """1 where a higher figure is a better one, and -1 where a lower one is."""
        return -1 if any(metric in cell.record.lower_is_better for cell in self.cells) else 1

    @cached_property
    def letters(self) -> dict[Protocol, str]:
        """A short name for each protocol."""
        return lettered(self.cells)


def unique(names: Iterable[str]) -> list[str]:
    """The names in the order in which they first occur."""
    return list(dict.fromkeys(names))


def _gaps(suite: str, cells: Sequence[Cell]) -> list[Missing]:
    records = [cell.record for cell in cells]
    there = {(record.method, record.dataset, record.category, record.seed) for record in records}
    return [
        Missing(suite, method, place(dataset, category), seed)
        for method in sorted({record.method for record in records})
        for dataset, category in sorted({(record.dataset, record.category) for record in records})
        for seed in _seeds(records, method, dataset)
        if (method, dataset, category, seed) not in there
    ]


def _seeds(records: Sequence[Record], method: str, dataset: str) -> list[int]:
    """Those of the method on the data set; with several, or without any, those of all methods there.

    One seed alone is all that a method has which draws nothing at random: a suite runs it once.
    """
    here = [record for record in records if record.dataset == dataset]
    own = {record.seed for record in here if record.method == method}
    return sorted(own if len(own) == 1 else {record.seed for record in here})
