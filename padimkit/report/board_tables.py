"""Scoreboards as tables: methods by categories, mean and spread over seeds."""

import math

from padimkit.report import anchors, figures
from padimkit.report.protocols import Protocol, mixture
from padimkit.report.scoreboards import Row, Scoreboard
from padimkit.report.table import DASH, Datum, Table


def board_table(board: Scoreboard, letters: dict[Protocol, str]) -> Table:
    """The table, the best row first; with a mean over several categories, where a row is complete."""
    categories = tuple(category or board.dataset for category in board.categories)
    head = ("method", "protocol", *(("mean",) if _several(board) else ()), *categories)
    rows = tuple(_row(board, row, letters[row.protocol]) for row in ranked(board))
    caption = f"{board.metric}, {board.dataset}{'' if board.sign > 0 else '; lower is better'}"
    return Table(caption, head, rows, (*mixture(board.protocols, letters), *_unscored(board)))


def ranked(board: Scoreboard) -> list[Row]:
    """The rows, that with the best mean first, those without one last."""

    def goodness(row: Row) -> float:
        mean = overall(board, row)
        return -math.inf if mean is None else board.goodness(mean)

    return sorted(board.rows, key=goodness, reverse=True)


def overall(board: Scoreboard, row: Row) -> float | None:
    """The mean over the categories that some row has a figure of; None where this row lacks one."""
    return row.mean(board.scored, board.figure)


def _unscored(board: Scoreboard) -> tuple[str, ...]:
    names = ", ".join(category or board.dataset for category in board.unscored)
    return (f"No method has a figure on {names}, so no mean counts it.",) if names else ()


def _several(board: Scoreboard) -> bool:
    return len(board.categories) > 1


def _row(board: Scoreboard, row: Row, letter: str) -> tuple[Datum, ...]:
    name = Datum(row.method, target=anchors.of_row(row))
    mean = (_mean(board, row),) if _several(board) else ()
    return (name, Datum(letter), *mean, *(_datum(board, row, category) for category in board.categories))


def _mean(board: Scoreboard, row: Row) -> Datum:
    mean = overall(board, row)
    if mean is None:
        return Datum(DASH, note="not all categories have a figure")
    alike = (other for other in ranked(board) if other.protocol == row.protocol)
    best = overall(board, next(alike))
    return Datum(figures.quality(mean), mean, anchors.of_row(row), best=mean == best)


def _datum(board: Scoreboard, row: Row, category: str) -> Datum:
    target = anchors.of_category(row, category)
    found = board.spread(row, category)
    if found is None:
        return Datum(board.absence(row, category), target=target if category in row.cells else "")
    text, note = figures.quality(found.mean), "1 seed"
    if found.count > 1:
        text, note = f"{text} ± {found.deviation:.4f}", f"{found.count} seeds"
    return Datum(text, found.mean, target, found.mean == board.best(category, row.protocol), note)
