"""Growth of costs with the size of a problem: lines of entries along which one quantity is varied.

It stands apart from its section, which shows tables and plots: these are values, and know no table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from padimkit.report.entries import Entry
from padimkit.report.formatting import Cost
from padimkit.report.power_law import Point
from padimkit.report.protocols import Protocol, mixture, protocol
from padimkit.report.study import Study

FAR = 1e9  # to which records say what formulas predict
# What a cell may vary under another name than formulas have.
_QUANTITIES = {"train_images": "images", "reducer.keep": "channels"}


@dataclass(frozen=True)
class Piece:
    """Entries of a line, next to each other, whose density has one form; other forms have other formulas."""

    form: str
    entries: tuple[Entry, ...]

    def measured(self, varied: str, cost: Cost) -> list[Point]:
        """Return size and cost for each measurement that is positive, all repeats where records have them."""
        pairs = (
            (entry.record.cell.varied[varied], value)
            for entry in self.entries
            for value in cost.all_of(entry.record)
        )
        return [(size, value) for size, value in pairs if size > 0 and value > 0]

    def predicted(self, varied: str, cost: Cost) -> list[Point]:
        """Return size and predicted cost of the entries that have a prediction."""
        pairs = ((entry.record.cell.varied[varied], cost.predicted(entry.record)) for entry in self.entries)
        return [(size, value) for size, value in pairs if value is not None and size > 0 and value > 0]

    def shares(self, varied: str, cost: Cost) -> list[Point]:
        """Return size and measured by predicted cost, each by what is predicted for its own entry."""
        pairs = (
            (entry.record.cell.varied[varied], value / known)
            for entry in self.entries
            if (known := cost.predicted(entry.record)) is not None and known > 0
            for value in cost.all_of(entry.record)
        )
        return [(size, share) for size, share in pairs if size > 0 and share > 0]

    def far_predicted(self, varied: str, cost: Cost) -> list[Point]:
        """Return what is predicted at a billion; none where a record does not tell it."""
        quantity = _QUANTITIES.get(varied, varied)
        found = self.entries[-1].record.far_predicted.get(quantity, {}).get(cost.name, 0.0)
        return [(FAR, found)] if found > 0 else []

    def lasts(self, varied: str) -> bool:
        """Return whether formulas give the density this form for any larger size, or none at all."""
        quantity = _QUANTITIES.get(varied, varied)
        return all(entry.record.far_forms.get(quantity, "") == self.form for entry in self.entries)

    def predicts_none(self, cost: Cost) -> bool:
        """Return whether formulas say that there is nothing to do, so that only overhead was measured."""
        return all(cost.predicted(entry.record) == 0 for entry in self.entries)


@dataclass(frozen=True)
class Line:
    """A method's entries, ordered by the varied quantity; `fixed` names the other ones with their values."""

    method: str
    fixed: str
    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        return f"{self.method} ({self.fixed})" if self.fixed else self.method

    @cached_property
    def whole(self) -> Piece:
        """All entries, whatever their forms."""
        return Piece("", self.entries)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The entries by the form of the density, in ascending order of sizes."""
        return tuple(
            Piece(form, tuple(entries))
            for form, entries in groupby(self.entries, lambda entry: entry.record.form)
        )

    @cached_property
    def protocols(self) -> frozenset[Protocol]:
        return frozenset(protocol(entry.record) for entry in self.entries)

    def points(self, varied: str, cost: Cost) -> list[Point]:
        """Return size and cost of those entries whose cost was measured and is positive."""
        pairs = [(entry.record.cell.varied[varied], cost.of(entry.record)) for entry in self.entries]
        return [(size, value) for size, value in pairs if value is not None and size > 0 and value > 0]


def differing(lines: Sequence[Line], study: Study, *warning: str) -> tuple[str, ...]:
    """Return a warning if lines have other protocols than others."""
    kinds = {line.protocols for line in lines}
    return mixture(frozenset().union(*kinds), study.letters, *warning) if len(kinds) > 1 else ()


def growth_lines(study: Study) -> dict[tuple[str, str], list[Line]]:
    """Return the lines of each varied quantity and place."""
    grouped: dict[tuple[str, str], dict[tuple[str, str], list[Entry]]] = {}
    for entry in study.varied:
        cell = entry.record.cell
        for name in cell.varied:
            rest = ", ".join(f"{key} = {value:g}" for key, value in cell.varied.items() if key != name)
            lines = grouped.setdefault((name, entry.place), {})
            lines.setdefault((cell.method, rest), []).append(entry)
    return {key: list(_lines(key[0], lines, study)) for key, lines in grouped.items()}


def _lines(name: str, lines: dict[tuple[str, str], list[Entry]], study: Study) -> Iterator[Line]:
    for (method, rest), entries in lines.items():
        ordered = sorted(entries, key=lambda entry: entry.record.cell.varied[name])
        for kind, some in _apart(name, ordered).items():
            of_kind = "" if kind is None else f"protocol {study.letters[kind]}"
            yield Line(method, ", ".join(filter(None, (rest, of_kind))), tuple(some))


def _apart(name: str, entries: list[Entry]) -> dict[Protocol | None, list[Entry]]:
    """Return the entries by protocol if a size has several, else all: the protocol may be what is varied."""
    by_size: dict[float, set[Protocol]] = {}
    by_protocol: dict[Protocol | None, list[Entry]] = {}
    for entry in entries:
        kind = protocol(entry.record)
        by_size.setdefault(entry.record.cell.varied[name], set()).add(kind)
        by_protocol.setdefault(kind, []).append(entry)
    return by_protocol if any(len(kinds) > 1 for kinds in by_size.values()) else {None: entries}
