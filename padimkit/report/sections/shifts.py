"""Differences of methods between data sets with the same categories, such as images and shifted ones.

A section of its own: a comparison is of methods on one data set.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from statistics import fmean
from typing import Any

from padimkit.report import links
from padimkit.report.differences import Difference, paired, simultaneous
from padimkit.report.protocols import mixture
from padimkit.report.scoreboards import Row, Scoreboard, scoreboards
from padimkit.report.study import Study
from padimkit.report.tables import ABSENT, Datum, Table

name = "shifts"
title = "Between data sets"
_EXPLAINED = (
    "Pairs are categories, limits are about others like these, and hold for all methods of the table at once "
    "(Bonferroni)."
)


def build(study: Study) -> dict[str, Any] | None:
    """Return the tables; None if no two data sets have categories in common."""
    found = list(tables(study))
    return {"tables": found} if found else None


def tables(study: Study) -> Iterator[Table]:
    """Yield a table for each metric and each pair of data sets that have categories in common."""
    boards = scoreboards(study)
    for metric in study.metrics:
        own = [board for board in boards if board.metric == metric]
        for first, second in combinations(own, 2):
            table = _table(first, second, study)
            if table is not None:
                yield table


def _table(first: Scoreboard, second: Scoreboard, study: Study) -> Table | None:
    shared = [name for name in first.scored if name and name in second.scored]
    pairs = [
        (one, other)
        for one in first.rows
        for other in second.rows
        if (one.method, one.protocol.resolution) == (other.method, other.protocol.resolution)
        and all(row.values(name, first.read) for row in (one, other) for name in shared)
    ]
    if not shared or not pairs:
        return None
    values = [(_values(one, first, shared), _values(other, second, shared)) for one, other in pairs]
    several = len(shared) > 1
    known = [paired(later, earlier) if several else None for earlier, later in values]
    found = simultaneous({(str(n), ""): one for n, one in enumerate(known) if one is not None})
    rows = [
        _row(pair, fmean(earlier), fmean(later), found.get((str(n), "")), study)
        for n, (pair, (earlier, later)) in enumerate(zip(pairs, values, strict=True))
    ]
    categories = f"{len(shared)} categories" if several else shared[0]
    caption = study.notation.caption(f"{first.metric}, {second.dataset} minus {first.dataset}, {categories}")
    head = ("method", "protocols", first.dataset, second.dataset, "difference", "95 % interval")
    notes = (*_mixtures(pairs, study), *_learnt(pairs, study))
    return Table(caption, head, tuple(rows), notes, explained=(_EXPLAINED,) if several else ())


def _mixtures(pairs: Sequence[tuple[Row, Row]], study: Study) -> Iterator[str]:
    """Yield a warning for each data set whose rows have several protocols: between data sets they differ."""
    for rows in zip(*pairs, strict=True):
        yield from mixture([row.protocol for row in rows], study.letters)


def _learnt(pairs: Sequence[tuple[Row, Row]], study: Study) -> tuple[str, ...]:
    """Return a warning that names methods which learnt other numbers of images on the two data sets."""
    named = [
        f"{pair[0].method} ({_letters(pair, study)})"
        for pair in pairs
        if pair[0].protocol.learnt != pair[1].protocol.learnt
    ]
    return (f"Other training images on the two data sets: {', '.join(named)}.",) if named else ()


def _values(row: Row, board: Scoreboard, shared: Sequence[str]) -> list[float]:
    return [fmean(row.values(name, board.read).values()) for name in shared]


def _letters(pair: tuple[Row, Row], study: Study) -> str:
    return ", ".join(study.letters[row.protocol] for row in pair)


def _row(
    pair: tuple[Row, Row], first: float, second: float, found: Difference | None, study: Study
) -> tuple[Datum, ...]:
    notation, target = study.notation, links.of_row(pair[1])
    limits = (
        ABSENT
        if found is None
        else Datum(f"{notation.difference(found.lower)} to {notation.difference(found.upper)}", found.lower)
    )
    return (
        Datum(pair[1].method, target=target),
        Datum(_letters(pair, study)),
        Datum(notation.value(first), first),
        Datum(notation.value(second), second, target),
        Datum(notation.difference(second - first), second - first, target),
        limits,
    )
