"""Exponents of growth beside those of theory."""

from collections.abc import Iterator
from functools import cache

from padimkit.benchmark.complexity import growth
from padimkit.benchmark.statistics import Interval
from padimkit.benchmark.theory import Expectation, expected
from padimkit.errors import BadArgument
from padimkit.report import figures
from padimkit.report.figures import Cost
from padimkit.report.growth_lines import Line, growth_lines
from padimkit.report.study import Study
from padimkit.report.table import ABSENT, DASH, Datum, Table

COSTS = (
    *(figures.FIT, figures.DENSITY_FIT),
    *(figures.ONE, figures.SCORE_ONE, figures.MANY, figures.SCORE_MANY),
    *(figures.PEAK_FIT, figures.PEAK_PREDICT),
    *(figures.FITTED, figures.MODEL, figures.DISK, figures.DEVICE),
)


def exponent_tables(study: Study) -> Iterator[Table]:
    """For each varied quantity and place, all exponents, and where measurement and theory part."""
    for (varied, where), lines in growth_lines(study).items():
        rows = tuple(
            (Datum(cost.label), Datum(line.name), exponent(line, varied, cost), *theory(line, varied, cost))
            for cost in COSTS
            for line in lines
            if line.points(varied, cost)
        )
        head = ("cost", "method", "exponent (95 %)", "in theory", "measured")
        if rows:
            yield Table(f"Exponents of growth with {varied}, {where}", head, rows)


def exponent(line: Line, varied: str, cost: Cost) -> Datum:
    """The measured exponent with its interval."""
    try:
        found = _growth(line, varied, cost)
    except BadArgument as error:
        return Datum(DASH, note=str(error))
    limits = f"{figures.exponent(found.lower)} to {figures.exponent(found.upper)}"
    return Datum(f"{figures.exponent(found.estimate)} ({limits})", found.estimate)


def theory(line: Line, varied: str, cost: Cost) -> tuple[Datum, Datum]:
    """The exponent that theory gives, and how the measured interval lies to it."""
    found = expected(line.cells[0].record.settings, varied, cost.name)
    if found is None:
        return ABSENT, ABSENT
    try:
        verdict = _verdict(_growth(line, varied, cost), found)
    except BadArgument as error:
        return Datum(str(found)), Datum(DASH, note=str(error))
    return Datum(str(found)), Datum(verdict)


def _growth(line: Line, varied: str, cost: Cost) -> Interval:
    return _fitted(tuple(line.points(varied, cost)))


@cache  # a plot, its table and the table of all exponents show the same
def _fitted(points: tuple[tuple[float, float], ...]) -> Interval:
    return growth([size for size, _ in points], [value for _, value in points])


def _verdict(measured: Interval, theory: Expectation) -> str:
    """By what is printed: a few constant bytes are no departure."""
    if round(measured.upper, figures.EXPONENT_DIGITS) < theory.lower:
        return "below theory"
    above = round(measured.lower, figures.EXPONENT_DIGITS) > theory.upper
    return "above theory" if above else "as in theory"
