"""Methods by categories: what the tables and plots of a report are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from padimkit.benchmark.record import Record
from padimkit.report.entries import Entry
from padimkit.report.protocols import Protocol, protocol
from padimkit.report.statistics import MeanSpread, spread
from padimkit.report.study import Study, unique


@dataclass(frozen=True)
class Row:
    """The cells of one method under one protocol, by category; of all seeds, failed ones too."""

    method: str
    protocol: Protocol
    entries: dict[str, tuple[Entry, ...]]

    def values(self, category: str, figure: Callable[[Record], float | None]) -> dict[int, float]:
        """A figure by seed; where several records have a seed, their mean."""
        found: dict[int, list[float]] = {}
        for entry in self.entries.get(category, ()):
            value = figure(entry.record) if entry.record.failure is None else None
            if value is not None:
                found.setdefault(entry.record.seed, []).append(value)
        return {seed: fmean(values) for seed, values in found.items()}

    def mean(self, categories: Sequence[str], figure: Callable[[Record], float | None]) -> float | None:
        """The mean of a figure over seeds, then over categories; None where one of these has none."""
        means = [self.values(category, figure) for category in categories]
        return fmean(fmean(found.values()) for found in means) if means and all(means) else None

    def finished(self, category: str) -> bool:
        return any(entry.record.failure is None for entry in self.entries.get(category, ()))


@dataclass(frozen=True)
class Scoreboard:
    """One figure of merit of all methods on all categories of a data set.

    `sign` is 1 where a higher figure is a better one, and -1 where a lower one is.
    """

    dataset: str
    metric: str
    sign: int
    categories: tuple[str, ...]
    rows: tuple[Row, ...]

    @cached_property
    def protocols(self) -> list[Protocol]:
        """Those of the rows; pixel figures of several are not comparable."""
        return sorted({row.protocol for row in self.rows})

    @property
    def figure(self) -> Callable[[Record], float | None]:
        """Reads its figure of merit."""
        return merit(self.metric)

    def spread(self, row: Row, category: str) -> MeanSpread | None:
        """Mean and spread over seeds; None where there is no figure."""
        values = row.values(category, self.figure)
        return spread(list(values.values())) if values else None

    def absence(self, row: Row, category: str) -> str:
        """Why there is no figure."""
        entries = row.entries.get(category, ())
        if any(self.metric in entry.record.undefined for entry in entries):
            return "undefined"
        return "failed" if any(entry.record.failure for entry in entries) else "missing"

    def best(self, category: str, protocol: Protocol) -> float | None:
        """The best mean of a category among the rows of a protocol."""
        found = [self.spread(row, category) for row in self.rows if row.protocol == protocol]
        return max((item.mean for item in found if item), key=self.goodness, default=None)

    def goodness(self, value: float) -> float:
        """The figure, or its opposite: higher is better in any case."""
        return self.sign * value

    @cached_property
    def scored(self) -> tuple[str, ...]:
        """The categories in which some row has a figure: means, differences and ranks are over these."""
        return scored(self.rows, self.categories, self.figure)

    @property
    def unscored(self) -> tuple[str, ...]:
        """The other categories, as where nothing has a mask."""
        return tuple(category for category in self.categories if category not in self.scored)


def scored(
    rows: Sequence[Row], categories: Sequence[str], figure: Callable[[Record], float | None]
) -> tuple[str, ...]:
    """The categories in which some row has a figure."""
    return tuple(category for category in categories if any(row.values(category, figure) for row in rows))


def merit(name: str) -> Callable[[Record], float | None]:
    """Reads a figure of merit."""
    return lambda record: record.metrics.get(name)


def rows_of(study: Study, dataset: str) -> tuple[Row, ...]:
    """A row for each method and protocol of a data set; cells in which something is varied are left out."""
    entries = [
        entry for entry in study.entries if entry.record.dataset == dataset and not entry.record.varied
    ]
    grouped: dict[tuple[str, Protocol], dict[str, tuple[Entry, ...]]] = {}
    for entry in entries:
        row = grouped.setdefault((entry.record.method, protocol(entry.record)), {})
        row[entry.record.category] = (*row.get(entry.record.category, ()), entry)
    return tuple(
        Row(method, found, by_category)
        for (method, found), by_category in sorted(grouped.items(), key=lambda item: item[0])
    )


def scoreboards(study: Study) -> list[Scoreboard]:
    """A scoreboard for each data set and figure of merit that it has."""
    boards = []
    for dataset in study.datasets:
        rows = rows_of(study, dataset)
        categories = tuple(unique(sorted(category for row in rows for category in row.entries)))
        boards += [
            Scoreboard(dataset, metric, study.sign(metric), categories, rows) for metric in study.metrics
        ]
    return [board for board in boards if board.scored]
