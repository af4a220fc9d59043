"""Growth of costs with the size of a problem: lines of entries along which one quantity is varied.

It stands apart from its section, which shows tables and plots: these are values, and know no table.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

from padimkit.report.entries import Entry
from padimkit.report.formatting import Cost
from padimkit.report.power_law import Point
from padimkit.report.protocols import Protocol, mixture, protocol
from padimkit.report.study import Study

_RESOLUTION = "resolution"  # of which each size has a protocol of its own
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

    def kinds(self, varied: str) -> frozenset[Protocol]:
        """Return its protocols as far as the varied quantity does not make them."""
        return frozenset(_kind(entry, varied) for entry in self.entries)

    def points(self, varied: str, cost: Cost) -> list[Point]:
        """Return size and cost of those entries whose cost was measured and is positive."""
        pairs = [(entry.record.cell.varied[varied], cost.of(entry.record)) for entry in self.entries]
        return [(size, value) for size, value in pairs if value is not None and size > 0 and value > 0]


def differing(lines: Sequence[Line], varied: str, study: Study, *warning: str) -> tuple[str, ...]:
    """Return a warning if lines have other protocols than others."""
    if len({line.kinds(varied) for line in lines}) < 2:
        return ()
    return mixture((kind for line in lines for kind in line.protocols), study.letters, *warning)


def growth_lines(study: Study) -> dict[tuple[str, str], list[Line]]:
    """Return the lines of each varied quantity and place."""
    grouped: dict[tuple[str, str], dict[tuple[str, str], list[Entry]]] = {}
    for entry in study.varied:
        cell = entry.record.cell
        for name in cell.varied:
            rest = ", ".join(f"{key} = {value:g}" for key, value in cell.varied.items() if key != name)
            lines = grouped.setdefault((name, entry.place), {})
            lines.setdefault((cell.method, rest), []).append(entry)
    return {key: _lines(key[0], lines, study) for key, lines in grouped.items()}


def _lines(name: str, lines: dict[tuple[str, str], list[Entry]], study: Study) -> list[Line]:
    found = []
    for (method, rest), entries in lines.items():
        ordered = sorted(entries, key=lambda entry: entry.record.cell.varied[name])
        found += [Line(method, rest, tuple(some)) for some in _apart(name, ordered)]
    several = len({line.kinds(name) for line in found}) > 1
    return [_of_its_protocol(line, study) for line in found] if several else found


def _of_its_protocol(line: Line, study: Study) -> Line:
    letters = sorted(study.letters[one] for one in line.protocols)
    label = f"protocol{'s' if len(letters) > 1 else ''} {', '.join(letters)}"
    return replace(line, fixed=", ".join(filter(None, (line.fixed, label))))


def _apart(name: str, entries: list[Entry]) -> list[list[Entry]]:
    """Return the entries by protocol, whatever their resolution if that is varied."""
    found: dict[Protocol, list[Entry]] = {}
    for entry in entries:
        found.setdefault(_kind(entry, name), []).append(entry)
    by_size = [(entry.record.cell.varied[name], kind) for kind, some in found.items() for entry in some]
    sizes = {size for size, _ in by_size}
    return list(found.values()) if len(set(by_size)) > len(sizes) else [entries]


def _kind(entry: Entry, varied: str) -> Protocol:
    found = protocol(entry.record)
    if varied != _RESOLUTION:
        return found
    return replace(found, resolution=re.sub(r"\d+ px", "", found.resolution))
