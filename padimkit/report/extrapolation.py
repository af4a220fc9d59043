"""Costs at sizes beyond those that were measured, and sizes from which one method costs more than another.

Only of costs that are a single power: of a sum of several, such as a whole fit, the largest takes over later.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np

from padimkit.errors import BadArgument
from padimkit.report.formatting import Cost
from padimkit.report.growth import FAR, Line
from padimkit.report.power_law import Point, PowerLaw, local_exponents
from padimkit.report.tables import ABSENT, Datum, Table

NUMBERS = ("images", "train_images")  # of what there may be very many
SIZES = (1e4, 1e6, FAR)
WIDEST = 0.5  # an interval of an exponent, beyond which it says too little
NEAR = 0.05  # a prediction this near is right: formulas leave out what does not grow
_ROUNDING = 1e-9  # of a size at which two lines are equal
_STEPS = 4000  # between the smallest size and the largest that is looked at


@dataclass(frozen=True)
class Crossing:
    """The size from which one method costs more than another, and the sizes between which limits overlap.

    `upper` is infinite where they overlap up to the largest size that is looked at.
    """

    more: str
    less: str
    size: float
    lower: float
    upper: float


def far_table(lines: Sequence[Line], varied: str, costs: Sequence[Cost], where: str) -> Table | None:
    """Return costs at far sizes, with limits of 95 %, by the line of the form that large sizes have."""
    rows = [
        (Datum(cost.label), Datum(line.name), *(_at(law, size, cost) for size in SIZES))
        for cost in costs
        for line in lines
        if _goes_on(line, varied, cost) and (law := _law_of(line, varied, cost)) is not None
    ]
    if varied not in NUMBERS or not rows:
        return None
    head = ("cost", "method", *(f"{varied} = {size:,.0f}" for size in SIZES))
    return Table(f"Beyond the sizes that were measured, {where}", head, tuple(rows), explained=_CARE)


_CARE = (
    "Lines of the form that large sizes have, continued, with limits of 95 %, where exponents are as "
    "predicted and predictions a single power up to a billion, if there are any: they hold as long as the "
    "power does, and no longer than memory lasts.",
)


def crossing_table(lines: Sequence[Line], varied: str, costs: Sequence[Cost], where: str) -> Table | None:
    """Return the sizes from which one method costs more than another; None if there are none."""
    rows = tuple(
        (
            Datum(cost.label),
            Datum(found.more),
            Datum(found.less),
            Datum(_size(found.size, varied)),
            Datum(_limits(found, varied)),
        )
        for cost in costs
        for found in crossings(lines, varied, cost)
    )
    head = ("cost", "method", "costs more than", f"from {varied} =", "limits overlap between")
    return Table(f"Crossings with {varied}, {where}", head, rows) if rows else None


def crossings(lines: Sequence[Line], varied: str, cost: Cost) -> Iterator[Crossing]:
    """Yield each crossing of two lines in their last forms, as far as both have these."""
    for more, less in permutations(lines, 2):
        own, others = _law_of(more, varied, cost), _law_of(less, varied, cost)
        if own is None or others is None or own.interval().lower <= others.interval().upper:
            continue
        start = max(_start(line, varied, cost) for line in (more, less))
        end = min(_end(line, varied, cost) for line in (more, less))
        sizes = np.geomspace(start, max(start, end), _STEPS).tolist()
        above = [own.at(size).estimate > others.at(size).estimate for size in sizes]
        if above[0] or not above[-1]:
            continue
        sure = [size for size in sizes if own.at(size).lower > others.at(size).upper]
        unsure = [size for size in sizes if own.at(size).upper > others.at(size).lower]
        upper = min(sure, default=float("inf"))
        yield Crossing(more.name, less.name, own.meets(others), min(unsure), upper)


def _start(line: Line, varied: str, cost: Cost) -> float:
    """Return the last size of the form before, which ends somewhere behind it, or the first size."""
    before = line.pieces[-2].measured(varied, cost) if len(line.pieces) > 1 else []
    return before[-1][0] if before else _points(line, varied, cost)[0][0]


def _end(line: Line, varied: str, cost: Cost) -> float:
    """Return the largest size that is looked at: the last that was measured, of a line that ends or bends."""
    return FAR if _goes_on(line, varied, cost) else _points(line, varied, cost)[-1][0]


def _goes_on(line: Line, varied: str, cost: Cost) -> bool:
    """Return whether the last form is that of all larger sizes, and its prediction bends before none."""
    piece = line.pieces[-1]
    far = piece.far_predicted(varied, cost)
    return piece.lasts(varied) and not _bends([*piece.predicted(varied, cost), *far])


def _points(line: Line, varied: str, cost: Cost) -> list[Point]:
    return line.pieces[-1].measured(varied, cost)


def _law_of(line: Line, varied: str, cost: Cost) -> PowerLaw | None:
    """Return the line of the last form; None unless its exponent is sure, and as predicted if it is.

    None too if the prediction bends: a power between its terms is that of no other sizes.
    """
    predicted = line.pieces[-1].predicted(varied, cost)
    if _bends(predicted):
        return None
    law, known = _law(tuple(_points(line, varied, cost))), _law(tuple(predicted))
    if law is None or (found := law.interval()).upper - found.lower > WIDEST:
        return None
    if known is not None and not found.lower - NEAR <= known.exponent <= found.upper + NEAR:
        return None
    return law


def _bends(points: Sequence[Point]) -> bool:
    local = local_exponents(points).values()
    return max(local, default=0.0) - min(local, default=0.0) > NEAR


@cache
def _law(points: tuple[Point, ...]) -> PowerLaw | None:
    try:
        return PowerLaw.of(points)
    except BadArgument:
        return None


def _at(law: PowerLaw, size: float, cost: Cost) -> Datum:
    found = law.at(size)
    if not np.isfinite(found.upper) or found.upper > 1e3 * found.lower:
        return Datum(ABSENT.text, note="the limits are too wide to tell")
    return Datum(f"{cost.text(found.estimate)} ({cost.text(found.lower)} to {cost.text(found.upper)})")


def _size(value: float, varied: str) -> str:
    """Return a size to three digits; of images the whole number that is larger."""
    if varied in NUMBERS:
        whole = math.floor(value * (1 + _ROUNDING)) + 1
        unit = 10 ** max(0, len(str(whole)) - 3)
        return f"{-(-whole // unit) * unit:,}"
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def _limits(found: Crossing, varied: str) -> str:
    upper = "larger ones" if found.upper == float("inf") else _size(found.upper, varied)
    return f"{_size(found.lower, varied)} and {upper}"
