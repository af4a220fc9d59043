"""Methods beside each other: tables, paired differences, ranks."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from padimkit.report import formatting, links, verdicts
from padimkit.report.plots.ranks import rank_plot
from padimkit.report.plots.styles import styles
from padimkit.report.protocols import Protocol, mixture
from padimkit.report.scoreboards import Row, Scoreboard, scoreboards
from padimkit.report.statistics import Ranking, paired_difference, ranking
from padimkit.report.study import Study
from padimkit.report.tables import ABSENT, DASH, Datum, Plot, Table

name = "comparison"
title = "Comparison"
_FEWEST_METHODS, _FEWEST_CATEGORIES, _FEWEST_PAIRS = 3, 5, 2
_FEWEST_FOR_INTERVAL = 5  # with fewer pairs, a bootstrap of 95 % contains the truth far less often


@dataclass(frozen=True)
class Comparison:
    """A metric on a data set: all methods, their differences, their ranks."""

    board: Scoreboard
    table: Table
    differences: Table | None
    ranks: Plot | None


def build(study: Study) -> dict[str, Any] | None:
    """Return the comparisons; None if no cell has a metric value."""
    found = comparisons(study)
    return {"comparisons": found} if found else None


def tables(study: Study) -> Iterator[Table]:
    """Yield methods by categories, a table for each data set and metric."""
    return (board_table(board, study.letters) for board in scoreboards(study))


def comparisons(study: Study) -> list[Comparison]:
    """Return a comparison for each data set and metric."""
    return [
        Comparison(
            board,
            board_table(board, study.letters),
            _differences(board, study.letters),
            _ranks(board, f"ranks-{index}", study),
        )
        for index, board in enumerate(scoreboards(study))
    ]


def _differences(board: Scoreboard, letters: dict[Protocol, str]) -> Table | None:
    """Return each method minus the best; pairs are categories, or the seeds of a single category."""
    scored = [(value, row) for row in board.rows if (value := overall(board, row)) is not None]
    if len(scored) < 2:
        return None
    best = max(scored, key=lambda item: board.goodness(item[0]))[1]
    pairs = "categories" if len(board.scored) > 1 else "seeds"
    rows = [_difference(board, row, best, letters) for _, row in scored if row is not best]
    found = tuple(row for row in rows if row)
    head = ("method", "protocol", "difference", "95 % interval", "pairs")
    caption = f"{board.metric} minus that of {best.method}; pairs are {pairs}"
    notes = (*mixture(board.protocols, letters), *_without_interval(found))
    return Table(caption, head, found, notes) if found else None


def _without_interval(rows: tuple[tuple[Datum, ...], ...]) -> tuple[str, ...]:
    note = f"Intervals need at least {_FEWEST_FOR_INTERVAL} pairs."
    return (note,) if any(row[3] == ABSENT for row in rows) else ()


def _difference(
    board: Scoreboard, row: Row, best: Row, letters: dict[Protocol, str]
) -> tuple[Datum, ...] | None:
    pairs = _pairs(board, row, best)
    if len(pairs) < _FEWEST_PAIRS:
        return None
    difference = fmean(one - other for one, other in pairs)
    target = links.of_row(row)
    return (
        Datum(row.method, target=target),
        Datum(letters[row.protocol], note="another protocol" if row.protocol != best.protocol else ""),
        Datum(f"{difference:+.4f}", difference, target),
        _interval(pairs),
        Datum(str(len(pairs)), float(len(pairs))),
    )


def _interval(pairs: list[tuple[float, float]]) -> Datum:
    if len(pairs) < _FEWEST_FOR_INTERVAL:
        return ABSENT
    found = paired_difference([one for one, _ in pairs], [other for _, other in pairs])
    return Datum(f"{found.lower:+.4f} to {found.upper:+.4f}", found.lower)


def _pairs(board: Scoreboard, row: Row, best: Row) -> list[tuple[float, float]]:
    by_category = [
        (row.values(category, board.read), best.values(category, board.read)) for category in board.scored
    ]
    if len(by_category) > 1:
        return [(fmean(one.values()), fmean(other.values())) for one, other in by_category]
    return _pairs_of_seeds(*by_category[0])


def _pairs_of_seeds(one: dict[int, float], other: dict[int, float]) -> list[tuple[float, float]]:
    """Pair equal seeds; a single seed stands beside all others: a suite runs a deterministic method once."""
    if len(one) == 1:
        one = dict.fromkeys(other, *one.values())
    if len(other) == 1:
        other = dict.fromkeys(one, *other.values())
    return [(one[seed], other[seed]) for seed in sorted(one.keys() & other.keys())]


def _ranks(board: Scoreboard, name: str, study: Study) -> Plot | None:
    rows = [row for row in board.rows if overall(board, row) is not None]
    if len(rows) < _FEWEST_METHODS or len(board.scored) < _FEWEST_CATEGORIES:
        return None
    names = {_name(row, rows, study.letters): row for row in rows}
    found = ranking(
        {
            name: [
                board.goodness(fmean(row.values(category, board.read).values())) for category in board.scored
            ]
            for name, row in names.items()
        }
    )
    looks = styles(study.methods)
    svg = rank_plot(found, {key: looks[row.method] for key, row in names.items()}, name, board.metric)
    return Plot(
        svg, _caption(found, board), _rank_table(found, names, mixture(board.protocols, study.letters))
    )


def _caption(found: Ranking, board: Scoreboard) -> str:
    return (
        f"Mean ranks in {board.metric} over {len(board.scored)} categories, the best at the left. "
        "Bars join methods that do not differ significantly (Nemenyi, critical difference "
        f"{found.critical_difference:.2f} at 5 %). "
        f"Friedman: chi-square {found.statistic:.2f}, p = {found.p_value:.2g}."
    )


def _rank_table(found: Ranking, names: dict[str, Row], notes: tuple[str, ...]) -> Table:
    rows = tuple(
        (
            Datum(name, target=links.of_row(names[name])),
            Datum(f"{rank:.2f}", rank, links.of_row(names[name])),
        )
        for name, rank in zip(found.names, found.mean_ranks, strict=True)
    )
    return Table("Mean ranks", ("method", "mean rank"), rows, notes)


def _name(row: Row, rows: list[Row], letters: dict[Protocol, str]) -> str:
    """Return the name of the method, with its protocol if it has several."""
    several = sum(other.method == row.method for other in rows) > 1
    return f"{row.method} ({letters[row.protocol]})" if several else row.method


def board_table(board: Scoreboard, letters: dict[Protocol, str]) -> Table:
    """Return the rows, the best first, with a mean over several categories if a row is complete."""
    categories = tuple(category or board.dataset for category in board.categories)
    head = ("method", "protocol", *(("mean",) if _several(board) else ()), *categories)
    rows = tuple(_row(board, row, letters[row.protocol]) for row in ranked(board))
    parts = [f"{board.metric}, {board.dataset}", "" if board.sign > 0 else "lower is better", _promise(board)]
    caption = "; ".join(filter(None, parts))
    notes = (*mixture(board.protocols, letters), *_unscored(board))
    return Table(caption, head, rows, notes, _legend(board, letters))


def _promise(board: Scoreboard) -> str:
    entries = (entry for row in board.rows for some in row.entries.values() for entry in some)
    return verdicts.promise((entry.record for entry in entries), board.metric)


def _legend(board: Scoreboard, letters: dict[Protocol, str]) -> tuple[str, ...]:
    """Return the only protocol of a table; several are named in its notes."""
    if len(board.protocols) > 1:
        return ()
    return tuple(f"Protocol {letters[protocol]}: {protocol}." for protocol in board.protocols)


def ranked(board: Scoreboard) -> list[Row]:
    """Return the rows, the best mean first, rows without a mean last."""

    def goodness(row: Row) -> float:
        mean = overall(board, row)
        return -math.inf if mean is None else board.goodness(mean)

    return sorted(board.rows, key=goodness, reverse=True)


def overall(board: Scoreboard, row: Row) -> float | None:
    """Return the mean over the categories that any row has values in; None if this row lacks one of them."""
    return row.mean(board.scored, board.read)


def _unscored(board: Scoreboard) -> tuple[str, ...]:
    names = ", ".join(category or board.dataset for category in board.unscored)
    return (f"Means leave out {names}: no method has a value there.",) if names else ()


def _several(board: Scoreboard) -> bool:
    return len(board.categories) > 1


def _row(board: Scoreboard, row: Row, letter: str) -> tuple[Datum, ...]:
    name = Datum(row.method, target=links.of_row(row))
    mean = (_mean(board, row),) if _several(board) else ()
    return (name, Datum(letter), *mean, *(_datum(board, row, category) for category in board.categories))


def _mean(board: Scoreboard, row: Row) -> Datum:
    mean = overall(board, row)
    if mean is None:
        return Datum(DASH, note="some category has no value")
    alike = (other for other in ranked(board) if other.protocol == row.protocol)
    best = overall(board, next(alike))
    return Datum(formatting.quality(mean), mean, links.of_row(row), best=mean == best)


def _datum(board: Scoreboard, row: Row, category: str) -> Datum:
    target = links.of_category(row, category)
    found = board.spread(row, category)
    if found is None:
        return Datum(board.absence(row, category), target=target if category in row.entries else "")
    text, note = formatting.quality(found.mean), "1 seed"
    if found.count > 1:
        text, note = f"{text} ± {found.deviation:.4f}", f"{found.count} seeds"
    return Datum(text, found.mean, target, found.mean == board.best(category, row.protocol), note)
