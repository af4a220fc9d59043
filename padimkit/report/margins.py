"""How far methods are from the best one on a data set, and how sure that is.

It stands apart from the section that shows it, since it decides what varies: categories, seeds or images.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from padimkit.benchmark.record import Record, unpacked
from padimkit.report.differences import (
    Difference,
    Estimate,
    Runs,
    all_pairs,
    image_terms,
    of_pairs,
    on_drawn_training_sets,
    on_one_test_set,
    paired,
    pairs_needed,
    simultaneous,
)
from padimkit.report.influence import auroc_influence
from padimkit.report.scoreboards import Row, Scoreboard
from padimkit.report.signed_ranks import EQUIVALENT, Belief, bayesian_signed_rank, holm_wilcoxon

Design = Literal["categories", "seeds", "draws", "images"]
_Compare: TypeAlias = Callable[[Runs, Runs, Sequence[bool]], Estimate | None]
_Count: TypeAlias = Callable[[Sequence[float], Sequence[float]], int | None]
_FEWEST_PAIRS, _FEWEST_FOR_RANKS = 2, 5
_IMAGE_AUROC = "image_auroc"


@dataclass(frozen=True)
class Margin:
    """A method minus the best one.

    Args:
        row: The method.
        difference: Of the means.
        found: The same with limits and p-value; None where nothing tells how much it varies.
        count: Pairs, or values of the method on one test set.
        needed: Pairs, or seeds, by which Student's test finds half a point in four of five cases; None for
            too many, or if it is not known.
        p_value: Of Wilcoxon's test, adjusted for all pairs; None with fewer than five pairs.
        belief: Bayesian signed ranks; None with fewer than five pairs, or if all have the same difference.
    """

    row: Row
    difference: float
    found: Difference | None
    count: int
    needed: int | None
    p_value: float | None
    belief: Belief | None


@dataclass(frozen=True)
class Margins:
    """The margins of all methods that have a mean, and what they are pairs of.

    Args:
        best: The best method.
        design: Pairs of categories, pairs of seeds that have data of their own, pairs of seeds that drew what
            is learnt, on one set of test images, or unrelated seeds on it.
        margins: Of the others, the best first.
        single: Methods with a single value on one set of test images.
        images: How many test images the intervals take into account; 0 if they are held fixed.
    """

    best: Row
    design: Design
    margins: tuple[Margin, ...]
    single: tuple[Row, ...]
    images: int


def margins(board: Scoreboard) -> Margins | None:
    """Return the margins of a scoreboard; None with fewer than two methods that have a mean."""
    means = {index: row.mean(board.scored, board.read) for index, row in enumerate(board.rows)}
    order = sorted(
        (index for index, mean in means.items() if mean is not None),
        key=lambda index: board.goodness(means[index] or 0.0),
        reverse=True,
    )
    if len(order) < 2:
        return None
    rows = [board.rows[index] for index in order]
    design = _design(board, rows)
    return (_of_images if design in _ON_IMAGES else _of_pairs)(board, rows, design)


def image_error(board: Scoreboard, row: Row, category: str) -> float | None:
    """Return the standard error of a mean over seeds that the test images cause.

    Returns:
        None if it is not known, or if no image has any influence.
    """
    seeds = row.values(category, board.read)
    influence, kinds = _influence(board, row, category, seeds), _kinds(row, category)
    if influence is None or kinds is None:
        return None
    terms = [term for term in image_terms(influence, kinds) if term is not None]
    return float(np.sqrt(sum(variance for variance, _ in terms))) or None  # an AUROC of 1 is not certain


def _design(board: Scoreboard, rows: Sequence[Row]) -> Design:
    if len(board.scored) > 1:
        return "categories"
    here = [entry for row in rows for entry in row.entries.get(board.scored[0], ())]
    prints = {entry.record.facts.fingerprint for entry in here if entry.record.facts is not None}
    seeds = [set(row.values(board.scored[0], board.read)) for row in rows]
    if len(prints) > 1 and len(prints) == len(set.union(*seeds)):
        return "seeds"
    drawn = all(entry.record.cell.drawn for entry in here)
    return "draws" if drawn and len(set.intersection(*seeds)) >= _FEWEST_PAIRS else "images"


def _of_pairs(board: Scoreboard, rows: Sequence[Row], design: Design) -> Margins:
    """Compare pair by pair: in each category the means over seeds, or each seed with data of its own."""
    values = {str(index): _paired_values(board, row, design) for index, row in enumerate(rows)}
    shared = sorted(set.intersection(*(set(found) for found in values.values())))
    table = {name: [found[one] for one in shared] for name, found in values.items()}
    enough = len(shared) >= _FEWEST_PAIRS
    pairs = all_pairs(list(table))
    estimates = {pair: paired(table[pair[1]], table[pair[0]]) for pair in pairs} if enough else {}
    found = simultaneous({pair: one for pair, one in estimates.items() if one is not None})
    ranked = len(shared) >= _FEWEST_FOR_RANKS
    signed = holm_wilcoxon(table) if ranked else {}
    return Margins(
        rows[0],
        design,
        tuple(
            Margin(
                row=row,
                # Of the pairs, as its limits are: a method may have seeds that others lack.
                difference=float(of_pairs(table[str(index)], table["0"]).mean())
                if enough
                else _mean(board, row) - _mean(board, rows[0]),
                found=found.get(("0", str(index))),
                count=len(shared),
                needed=_needed(table[str(index)], table["0"]) if enough else None,
                p_value=signed.get(("0", str(index))),
                belief=bayesian_signed_rank(table[str(index)], table["0"]) if ranked else None,
            )
            for index, row in enumerate(rows[1:], 1)
        ),
        single=(),
        images=0,
    )


def _of_images(board: Scoreboard, rows: Sequence[Row], design: Design) -> Margins:
    """Compare methods on one set of test images, their seeds unrelated, or pairs that drew what is learnt."""
    (category,) = board.scored
    values = [row.values(category, board.read) for row in rows]
    if design == "draws":
        shared = sorted(set.intersection(*map(set, values)))
        values = [{seed: found[seed] for seed in shared} for found in values]
    compare, needed = _ON_IMAGES[design]
    prints = {_print(row, category) for row in rows}
    kinds = _kinds(rows[0], category) if len(prints) == 1 else None
    runs = {
        str(index): Runs(
            tuple(values[index].values()),
            None if kinds is None else _influence(board, row, category, values[index]),
        )
        for index, row in enumerate(rows)
    }
    estimates: dict[tuple[str, str], Estimate] = {}
    for one, other in all_pairs(list(runs)):
        estimate = compare(runs[other], runs[one], kinds or ())
        if estimate is not None:
            estimates[one, other] = estimate
    found = simultaneous(estimates)
    told = all(run.influence is not None for run in runs.values())
    return Margins(
        rows[0],
        design,
        tuple(
            Margin(
                row=row,
                difference=fmean(runs[str(index)].values) - fmean(runs["0"].values),
                found=found.get(("0", str(index))),
                count=len(runs[str(index)].values),
                needed=needed(runs[str(index)].values, runs["0"].values),
                p_value=None,
                belief=None,
            )
            for index, row in enumerate(rows[1:], 1)
        ),
        single=tuple(row for row, run in zip(rows, runs.values(), strict=True) if len(run.values) == 1),
        images=len(kinds) if told and kinds is not None else 0,
    )


def _paired_values(board: Scoreboard, row: Row, design: Design) -> dict[str, float]:
    if design == "categories":
        return {name: fmean(row.values(name, board.read).values()) for name in board.scored}
    return {str(seed): value for seed, value in row.values(board.scored[0], board.read).items()}


def _mean(board: Scoreboard, row: Row) -> float:
    mean = row.mean(board.scored, board.read)
    assert mean is not None  # rows without a mean have been left out
    return mean


def _needed(first: Sequence[float], second: Sequence[float]) -> int | None:
    return pairs_needed(stdev(a - b for a, b in zip(first, second, strict=True)), EQUIVALENT)


def _seeds_needed(first: Sequence[float], second: Sequence[float]) -> int | None:
    """Return how many seeds of each would do, as if the test images were fixed."""
    if len(first) < 2 and len(second) < 2:
        return None
    variances = [stdev(values) ** 2 if len(values) > 1 else 0.0 for values in (first, second)]
    return pairs_needed(float(np.sqrt(sum(variances))), EQUIVALENT)


_ON_IMAGES: dict[Design, tuple[_Compare, _Count]] = {
    "draws": (on_drawn_training_sets, _needed),
    "images": (on_one_test_set, _seeds_needed),
}


def _records(row: Row, category: str) -> list[Record]:
    return [entry.record for entry in row.entries.get(category, ()) if entry.record.failure is None]


def _print(row: Row, category: str) -> str:
    found = {record.facts.fingerprint for record in _records(row, category) if record.facts is not None}
    return found.pop() if len(found) == 1 else f"several of {row.method}"


def _kinds(row: Row, category: str) -> tuple[bool, ...] | None:
    """Return the kind of each test image, if all records of the row have seen the same.

    None too if there is a single image of a kind: it tells nothing of others.
    """
    records = _records(row, category)
    found = {record.images.kinds if record.images else None for record in records}
    prints = {record.facts.fingerprint if record.facts else "" for record in records}
    if len(found) > 1 or len(prints) > 1 or (kinds := found.pop()) is None:
        return None
    return None if 1 in (sum(kinds), len(kinds) - sum(kinds)) else kinds


def _influence(
    board: Scoreboard, row: Row, category: str, seeds: Collection[int]
) -> NDArray[np.float64] | None:
    """Return the influence of each test image on the mean over seeds; None if a record does not tell it."""
    records = [record for record in _records(row, category) if record.cell.seed in seeds]
    found = [_influence_in(record, board.metric) for record in records]
    known = [one for one in found if one is not None]
    if not known or len(known) < len(found) or len({len(one) for one in known}) > 1:
        return None
    mean: NDArray[np.float64] = np.mean(known, axis=0)
    return mean


def _influence_in(record: Record, metric: str) -> NDArray[np.float64] | None:
    images = record.images
    if images is None or images.kinds is None:
        return None
    if metric in images.influence:
        return np.asarray(unpacked(images.influence[metric]), float)
    if metric == _IMAGE_AUROC and len(set(images.kinds)) == 2:
        return auroc_influence(unpacked(images.scores), images.kinds)
    return None
