"""Tables of texts that know which records their numbers come from."""

from dataclasses import dataclass
from functools import cached_property

DASH = "\N{EN DASH}"  # stands for a missing value


@dataclass(frozen=True)
class Datum:
    """The content of one place in a table.

    Args:
        text: As a reader sees it.
        value: Number to sort by; None for text.
        target: Id of the element of the page that it links to, such as its record; empty for no link.
        best: Whether nothing in its column is better.
        note: Remark in a few words, such as the number of seeds.
    """

    text: str
    value: float | None = None
    target: str = ""
    best: bool = False
    note: str = ""


ABSENT = Datum(DASH)


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    Args:
        caption: Names the table.
        head: Names of the columns.
        rows: As many data as there are columns, in each row.
        notes: Warnings to a reader.
        legend: Explanations that a table needs where it stands alone, as in a paper.
        explained: Sentences about its numbers, which it has wherever it stands.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Datum, ...], ...]
    notes: tuple[str, ...] = ()
    legend: tuple[str, ...] = ()
    explained: tuple[str, ...] = ()

    @cached_property
    def numeric(self) -> list[bool]:
        """Truth values, for each column: it has numbers."""
        return [any(row[index].value is not None for row in self.rows) for index in range(len(self.head))]


@dataclass(frozen=True)
class Plot:
    """A plot with its caption.

    Args:
        svg: The plot, for a page.
        caption: Below it.
        table: Its numbers, if they stand nowhere else.
    """

    svg: str
    caption: str
    table: Table | None = None
