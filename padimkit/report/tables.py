"""Tables of texts that know where their figures come from."""

from dataclasses import dataclass

DASH = "\N{EN DASH}"  # where a table has nothing


@dataclass(frozen=True)
class Datum:
    """What stands in one place of a table.

    Args:
        text: As a reader sees it.
        value: What it is sorted by; None for text.
        target: The element of the page that says where it comes from, empty if it is no figure.
        best: Whether nothing in its column is better.
        note: What else is to be known, in a few words.
    """

    text: str
    value: float | None = None
    target: str = ""
    best: bool = False
    note: str = ""


ABSENT = Datum(DASH)


@dataclass(frozen=True)
class Table:
    """A table; the first column names its rows."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Datum, ...], ...]
    notes: tuple[str, ...] = ()

    @property
    def numeric(self) -> list[bool]:
        """Of each column, whether it has figures."""
        return [any(row[index].value is not None for row in self.rows) for index in range(len(self.head))]


@dataclass(frozen=True)
class Plot:
    """A drawing with its caption and the figures that it shows."""

    svg: str
    caption: str
    table: Table | None = None
