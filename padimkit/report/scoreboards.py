"""Methods by categories, the source of tables and plots."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from padimkit.benchmark.record import Record
from padimkit.report.entries import Entry
from padimkit.report.protocols import Protocol, protocol
from padimkit.report.statistics import MeanSpread, spread
from padimkit.report.study import Study, unique

Reading = Callable[[Record], float | None]  # finds a number in a record, or none


def by_seed(entries: Iterable[Entry], read: Reading) -> dict[int, float]:
    """Return the number that `read` finds for each seed; the mean of several records with one seed."""
    found: dict[int, list[float]] = {}
    for entry in entries:
        value = read(entry.record) if entry.record.failure is None else None
        if value is not None:
            found.setdefault(entry.record.cell.seed, []).append(value)
    return {seed: fmean(values) for seed, values in found.items()}


@dataclass(frozen=True)
class Row:
    """The entries of one method under one protocol by category: all seeds, failed ones too."""

    method: str
    protocol: Protocol
    entries: dict[str, tuple[Entry, ...]]

    def values(self, category: str, read: Reading) -> dict[int, float]:
        """Return the number that `read` finds for each seed; the mean of several records with one seed."""
        return by_seed(self.entries.get(category, ()), read)

    def mean(self, categories: Sequence[str], read: Reading) -> float | None:
        """Return the mean over seeds, then over categories; None if one of these has no number."""
        means = [self.values(category, read) for category in categories]
        return fmean(fmean(found.values()) for found in means) if means and all(means) else None

    def spread(self, categories: Sequence[str], read: Reading) -> MeanSpread | None:
        """Return mean and spread over seeds of the mean over categories; None if one of these has no number.

        Only seeds that all of them have make up the spread; without any, it is that of a single value.
        """
        mean = self.mean(categories, read)
        if mean is None:
            return None
        values = [self.values(category, read) for category in categories]
        seeds = set.intersection(*map(set, values))
        if any(set(found) != seeds for found in values):
            return MeanSpread(mean, 0.0, 1)
        return spread([fmean(found[seed] for found in values) for seed in sorted(seeds)])

    @cached_property
    def seedless(self) -> bool:
        """Tell whether nothing of the method depends on a seed, so that a suite runs it once."""
        return not any(entry.record.cell.seeded for some in self.entries.values() for entry in some)

    def finished(self, category: str) -> bool:
        """Tell whether some seed has finished."""
        return any(entry.record.failure is None for entry in self.entries.get(category, ()))


@dataclass(frozen=True)
class Scoreboard:
    """The values of a metric for all methods on all categories of a data set.

    `sign` is 1 if higher values are better, and -1 if lower ones are.
    """

    dataset: str
    metric: str
    sign: int
    categories: tuple[str, ...]
    rows: tuple[Row, ...]

    @cached_property
    def protocols(self) -> list[Protocol]:
        """Protocols of the rows; pixel metrics are not comparable between them."""
        return sorted({row.protocol for row in self.rows})

    @property
    def read(self) -> Reading:
        """Function that reads the value of the metric from a record."""
        return metric_value(self.metric)

    def spread(self, row: Row, category: str) -> MeanSpread | None:
        """Return mean and spread over seeds; None without any value."""
        values = row.values(category, self.read)
        return spread(list(values.values())) if values else None

    def absence(self, row: Row, category: str) -> str:
        """Return the reason why there is no value: "undefined", "failed" or "missing"."""
        entries = row.entries.get(category, ())
        if any(self.metric in entry.record.undefined for entry in entries):
            return "undefined"
        return "failed" if any(entry.record.failure for entry in entries) else "missing"

    def best(self, category: str, protocol: Protocol) -> float | None:
        """Return the best mean of a category among the rows of a protocol; None with fewer than two."""
        spreads = [self.spread(row, category) for row in self.rows if row.protocol == protocol]
        return best_of([found.mean for found in spreads if found], self.sign)

    def goodness(self, value: float) -> float:
        """Return the value, negated if lower is better: a higher goodness is always better."""
        return self.sign * value

    @cached_property
    def scored(self) -> tuple[str, ...]:
        """Categories in which some row has a value: means, differences and ranks are over these."""
        return scored(self.rows, self.categories, self.read)

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Scored categories by the name of the group that their suite puts them in."""
        found: dict[str, list[str]] = {}
        for category in self.scored:
            entries = (entry for row in self.rows for entry in row.entries.get(category, ()))
            for group in unique(entry.record.cell.group for entry in entries):
                if group:
                    found.setdefault(group, []).append(category)
        return {group: tuple(some) for group, some in found.items()}

    @property
    def unscored(self) -> tuple[str, ...]:
        """Categories without any value, such as those without masks."""
        return tuple(category for category in self.categories if category not in self.scored)


def best_of(means: Sequence[float], sign: int) -> float | None:
    """Return the best of some means, by the sign of their metric; None with fewer than two to choose from."""
    return max(means, key=lambda mean: sign * mean) if len(means) > 1 else None


def scored(rows: Sequence[Row], categories: Sequence[str], read: Reading) -> tuple[str, ...]:
    """Return the categories in which some row has a number."""
    return tuple(category for category in categories if any(row.values(category, read) for row in rows))


def metric_value(name: str) -> Reading:
    """Return a function that reads the value of a metric from a record."""
    return lambda record: record.metrics.get(name)


def rows_of(study: Study, dataset: str) -> tuple[Row, ...]:
    """Return a row for each method and protocol of a data set, without what complexity studies varied."""
    grouped: dict[tuple[str, Protocol], dict[str, tuple[Entry, ...]]] = {}
    for entry in study.entries:
        cell = entry.record.cell
        if cell.dataset == dataset and not cell.varied:
            row = grouped.setdefault((cell.method, protocol(entry.record)), {})
            row[cell.category] = (*row.get(cell.category, ()), entry)
    return tuple(
        Row(method, found, by_category)
        for (method, found), by_category in sorted(grouped.items(), key=lambda item: item[0])
    )


def scoreboards(study: Study) -> list[Scoreboard]:
    """Return a scoreboard for each data set and each metric that has values there."""
    boards = []
    for dataset in study.datasets:
        rows = rows_of(study, dataset)
        categories = tuple(unique(sorted(category for row in rows for category in row.entries)))
        boards += [
            Scoreboard(dataset, metric, study.sign(metric), categories, rows) for metric in study.metrics
        ]
    return [board for board in boards if board.scored]
