"""The notation of metric values in tables, which papers differ in.

It stands apart from the formatting of costs, since readers choose it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

from padimkit.errors import BadArgument
from padimkit.report.statistics import MeanSpread
from padimkit.report.tables import Datum, Table

Spread: TypeAlias = Literal["sd", "sem"]
Methods: TypeAlias = Literal["rows", "columns"]
_SPREADS = {"sd": "sample standard deviation", "sem": "standard error of the mean"}
_MOST_DIGITS = 10
IN_PERCENT = ", in %"


@dataclass(frozen=True)
class Notation:
    """The way in which tables of metrics are written.

    Args:
        percent: True for values in percent.
        digits: After the point; by default 4, and 2 in percent.
        spread: What stands after ±: the sample standard deviation over seeds, or the standard error of the
            mean.
        methods: Whether methods are the rows or the columns.

    Raises:
        BadArgument: There are more than ten digits, or less than none.
    """

    percent: bool = False
    digits: int | None = None
    spread: Spread = "sd"
    methods: Methods = "rows"

    def __post_init__(self) -> None:
        if self.digits is not None and not 0 <= self.digits <= _MOST_DIGITS:
            raise BadArgument(f'Expected "digits" from 0 to {_MOST_DIGITS}, got {self.digits}.')

    def caption(self, text: str) -> str:
        """Return a caption that begins with a metric, with its unit."""
        return f"{text}{IN_PERCENT}" if self.percent else text

    def value(self, number: float) -> str:
        """Return a metric value."""
        return self._written(number, "")

    def difference(self, number: float) -> str:
        """Return a difference of metric values with its sign."""
        return self._written(number, "+")

    def mean(self, found: MeanSpread) -> str:
        """Return a mean over seeds, with ± if there are several."""
        text = self.value(found.mean)
        after = found.deviation if self.spread == "sd" else found.error
        return f"{text} ± {self.value(after)}" if found.count > 1 else text

    @property
    def spread_name(self) -> str:
        """What stands after ±, in words."""
        return _SPREADS[self.spread]

    def plus_minus(self, counts: Collection[int]) -> tuple[str, ...]:
        """Return what ± stands for in a table of means over so many seeds; none if it stands nowhere."""
        several = [count for count in counts if count > 1]
        if not several:
            return ()
        fewest, most = min(several), max(several)
        seeds = f"n = {fewest}" + (f" to {most}" if most > fewest else "")
        once = ", without ± a single value" if 1 in counts else ""
        return (f"±: {self.spread_name} over {seeds} seeds{once}.",)

    def laid(self, table: Table) -> Table:
        """Return a table whose rows are methods as it is to be laid out."""
        return table if self.methods == "rows" else _transposed(table)

    def _written(self, number: float, sign: str) -> str:
        digits = (2 if self.percent else 4) if self.digits is None else self.digits
        return f"{100 * number if self.percent else number:{sign}.{digits}f}"


def _transposed(table: Table) -> Table:
    names = [row[0].text for row in table.rows]
    rows = tuple(
        (Datum(name), *(row[column] for row in table.rows)) for column, name in enumerate(table.head[1:], 1)
    )
    return Table(table.caption, (table.head[0], *names), rows, table.notes, table.legend, table.explained)


USUAL = Notation()
