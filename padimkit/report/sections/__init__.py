"""The sections of a report, one module each, in the order in which every document shows them."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from padimkit.report.sections import (
    cells,
    comparison,
    curves,
    environments,
    gallery,
    growth,
    records,
    shifts,
    summary,
    tradeoffs,
)
from padimkit.report.study import Study
from padimkit.report.tables import Table


@runtime_checkable  # the tests check types at run time
class Section(Protocol):
    """Contract of a module in this folder: a part of the page, and tables for Markdown and LaTeX.

    Args:
        name: Name of its template, `<name>.html`, and of the place in the page that links lead to.
        title: Heading, and the text of the link at the top of the page.
    """

    name: str
    title: str

    def build(self, study: Study) -> Mapping[str, Any] | None:
        """Return the variables of the template, besides `study`; None leaves the section out."""

    def tables(self, study: Study) -> Iterable[Table]:
        """Return the tables that documents without plots show."""


SECTIONS: tuple[Section, ...] = (
    summary,
    comparison,
    shifts,
    tradeoffs,
    gallery,
    curves,
    growth,
    cells,
    environments,
    records,
)
