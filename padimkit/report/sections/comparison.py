"""Methods beside each other: tables, paired differences, ranks."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from padimkit.report import links, verdicts
from padimkit.report.difference_tables import differences, signed_ranks
from padimkit.report.margins import image_error, margins
from padimkit.report.plots.ranks import rank_plot
from padimkit.report.plots.styles import styles
from padimkit.report.protocols import Protocol, mixture
from padimkit.report.scoreboards import Row, Scoreboard, best_of, scoreboards
from padimkit.report.statistics import MeanSpread, Ranking, ranking
from padimkit.report.study import Study
from padimkit.report.tables import DASH, Datum, Plot, Table

name = "comparison"
title = "Comparison"
_FEWEST_METHODS, _FEWEST_CATEGORIES = 3, 5


@dataclass(frozen=True)
class Comparison:
    """A metric on a data set: all methods, their differences, their ranks."""

    board: Scoreboard
    table: Table
    differences: Table | None
    signed_ranks: Table | None
    ranks: Plot | None


def build(study: Study) -> dict[str, Any] | None:
    """Return the comparisons; None if no cell has a metric value."""
    found = comparisons(study)
    return {"comparisons": found} if found else None


def tables(study: Study) -> Iterator[Table]:
    """Yield methods by categories, a table for each data set and metric, then their differences and ranks."""
    boards = scoreboards(study)
    yield from (board_table(board, study) for board in boards)
    for board in boards:
        found = margins(board)
        if found is not None and any(margin.found for margin in found.margins):
            compared = differences(board, found, study), signed_ranks(board, found, study.letters)
            yield from (table for table in compared if table is not None)


def comparisons(study: Study) -> list[Comparison]:
    """Return a comparison for each data set and metric."""
    return [_comparison(board, index, study) for index, board in enumerate(scoreboards(study))]


def _comparison(board: Scoreboard, index: int, study: Study) -> Comparison:
    found = margins(board)
    return Comparison(
        board,
        board_table(board, study),
        differences(board, found, study),
        signed_ranks(board, found, study.letters),
        _ranks(board, f"ranks-{index}", study),
    )


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


def board_table(board: Scoreboard, study: Study) -> Table:
    """Return the rows, the best first, with means over categories and groups of complete rows."""
    categories = tuple(category or board.dataset for category in board.categories)
    means = _means(board)
    head = ("method", "protocol", *means, *categories)
    rows = tuple(_row(board, row, list(means.values()), study) for row in ranked(board))
    metric = study.notation.caption(f"{board.metric}, {board.dataset}")
    parts = [metric, "" if board.sign > 0 else "lower is better", _promise(board)]
    caption = "; ".join(filter(None, parts))
    notes = (*mixture(board.protocols, study.letters), *_unscored(board))
    return study.notation.laid(Table(caption, head, rows, notes, _legend(board, study)))


def _means(board: Scoreboard) -> dict[str, tuple[str, ...]]:
    """Return the categories of each mean that is shown, by its name."""
    groups = board.groups
    if all(len(some) == 1 for some in groups.values()):  # they would be the columns of categories again
        groups = {}
    return ({"mean": board.scored} if _several(board) else {}) | groups


def _promise(board: Scoreboard) -> str:
    entries = (entry for row in board.rows for some in row.entries.values() for entry in some)
    return verdicts.promise((entry.record for entry in entries), board.metric)


def _legend(board: Scoreboard, study: Study) -> tuple[str, ...]:
    """Return the only protocol of a table, since several are named in its notes, and what ± stands for."""
    only = board.protocols if len(board.protocols) == 1 else ()
    protocols = (f"Protocol {study.letters[protocol]}: {protocol}." for protocol in only)
    counts = {len(row.values(category, board.read)) for row in board.rows for category in board.categories}
    return (*protocols, *study.notation.plus_minus(counts))


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


def _row(board: Scoreboard, row: Row, means: Sequence[Sequence[str]], study: Study) -> tuple[Datum, ...]:
    return (
        Datum(row.method, target=links.of_row(row)),
        Datum(study.letters[row.protocol]),
        *(_mean(board, row, categories, study) for categories in means),
        *(_datum(board, row, category, study) for category in board.categories),
    )


def _mean(board: Scoreboard, row: Row, categories: Sequence[str], study: Study) -> Datum:
    found = row.spread(categories, board.read)
    if found is None:
        return Datum(DASH, note="some category has no value")
    alike = (other.mean(categories, board.read) for other in board.rows if other.protocol == row.protocol)
    best = best_of([mean for mean in alike if mean is not None], board.sign)
    notes = ", ".join(_spread_notes(found))
    return Datum(
        study.notation.mean(found),
        found.mean,
        links.of_row(row),
        best=row.mean(categories, board.read) == best,
        note=notes,
    )


def _datum(board: Scoreboard, row: Row, category: str, study: Study) -> Datum:
    target = links.of_category(row, category)
    found = board.spread(row, category)
    if found is None:
        return Datum(board.absence(row, category), target=target if category in row.entries else "")
    notes = ["no seed" if row.seedless and found.count == 1 else _seeds(found.count), *_spread_notes(found)]
    error = image_error(board, row, category)
    if error is not None:
        notes.append(f"standard error over test images {error:.4f}")
    best = found.mean == board.best(category, row.protocol)
    return Datum(study.notation.mean(found), found.mean, target, best, ", ".join(notes))


def _spread_notes(found: MeanSpread) -> list[str]:
    """Return the standard error, unless all values are the same, which does not make their mean certain."""
    return [f"standard error of the mean {found.error:.4f}"] if found.deviation > 0 else []


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"
