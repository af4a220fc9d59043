"""The contract of sections that plugins add to a report, and what these are made of.

It stands here and not among the other contracts, since it speaks of records.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from padimkit.arguments import shown
from padimkit.arguments.checked import Checked
from padimkit.benchmark.record import Record as Record  # public here
from padimkit.report.tables import Datum as Datum
from padimkit.report.tables import Table as Table


@dataclass(frozen=True)
class Drawing:
    """A plot of the page, in its style; its numbers may stand in a table below it.

    Args:
        paint: Draws on the axes of matplotlib that it is given.
        caption: The sentence below it.
        description: Says what is drawn to readers who do not see it.
        table: The numbers that it shows.
        hints: Texts that appear under the mouse, by `gid` of the artist.
    """

    paint: Callable[[Any], None]
    caption: str
    description: str
    table: Table | None = None
    hints: Mapping[str, str] = field(default_factory=dict)


class ReportSection(ABC):
    """A section of a report, made of its records alone; all installed ones are in every report."""

    __repr__ = shown
    checked: ClassVar[Checked] = Checked()
    writes: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def title(self) -> str:
        """Return the heading; usually a class attribute, `title = "Energy"`."""

    @abstractmethod
    def build(self, records: Sequence[Record]) -> Sequence[Table | Drawing]:
        """Return tables and drawings in their order; none leaves the section out.

        Any record may have failed, lack a metric, times or scores of images, or come of another suite.
        Markdown and LaTeX have the tables, those of drawings included. All text is escaped.
        `Datum.target` is `"record-" + record.key` where a number links to its record.
        """


def require_content(content: object) -> tuple[Table | Drawing, ...]:
    """Return what a section has built, once it can be shown.

    Raises:
        TypeError: Something in it is neither a table nor a drawing, or a row is not as long as the head.
    """
    if not isinstance(content, Sequence) or isinstance(content, str):
        raise TypeError(f'expected "build" to return a list of Table and Drawing, found {content!r:.60}')
    for one in content:
        if not isinstance(one, Table | Drawing):
            raise TypeError(f'expected "build" to return Table and Drawing, found {one!r:.60}')
        table = one.table if isinstance(one, Drawing) else one
        if table is not None:
            _require_rows(table)
    return tuple(content)


def _require_rows(table: Table) -> None:
    for row in table.rows:
        if len(row) != len(table.head):
            raise TypeError(
                f'the table "{table.caption}" has {len(table.head)} columns and a row of {len(row)}'
            )
        for datum in row:
            if not (isinstance(datum, Datum) and isinstance(datum.text, str)):
                raise TypeError(f'expected Datum of text in the table "{table.caption}", found {datum!r:.60}')
