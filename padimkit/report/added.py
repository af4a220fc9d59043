"""The sections of plugins as one section of the report, whatever they do.

Apart from the other sections, which are modules of the folder: there are as many of these as are installed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from padimkit.errors import BrokenPlugin
from padimkit.report.plots.svg import draw
from padimkit.report.section import Drawing, ReportSection, require_content
from padimkit.report.sections import SECTIONS, Section
from padimkit.report.study import Study
from padimkit.report.tables import Datum, Plot, Table

Make: TypeAlias = Callable[[], ReportSection]


@dataclass(frozen=True)
class Part:
    """A plugin's section: words for the plugin, the title, and what is below it."""

    who: str
    title: str
    content: tuple[Table | Drawing, ...]


@final
class Added:
    """The sections of plugins, each by its title; one that fails says so in its place.

    Args:
        plugins: By the words for a plugin in errors, a function that makes its section.
    """

    name = "added"
    title = "More"

    def __init__(self, plugins: Mapping[str, Make]) -> None:
        self._plugins = plugins

    def build(self, study: Study) -> dict[str, Any] | None:
        """Return the parts that are not empty, drawings as plots; None without any."""
        parts = list(filter(None, (_drawn(number, part) for number, part in enumerate(self._parts(study)))))
        return {"parts": parts} if parts else None

    def tables(self, study: Study) -> Iterable[Table]:
        """Return the tables of all parts, those of drawings among them."""
        content = [one for part in self._parts(study) for one in part.content]
        tables = [one.table if isinstance(one, Drawing) else one for one in content]
        return [table for table in tables if table is not None]

    def _parts(self, study: Study) -> list[Part]:
        return [_part(who, make, study) for who, make in self._plugins.items()]


def with_added(plugins: Mapping[str, Make]) -> Sequence[Section]:
    """Return all sections of a report, those of plugins before the cells one by one."""
    before = next(index for index, section in enumerate(SECTIONS) if section.name == "cells")
    return (*SECTIONS[:before], Added(plugins), *SECTIONS[before:]) if plugins else SECTIONS


def drawn(drawing: Drawing, name: str) -> Plot:
    """Return the plot of a drawing; `name` is unique within the page."""
    svg = draw(
        drawing.paint,
        name=name,
        title=drawing.caption,
        description=drawing.description,
        hints=drawing.hints,
    )
    return Plot(svg, drawing.caption, drawing.table)


def _part(who: str, make: Make, study: Study) -> Part:
    try:
        section = make()
        records = [entry.record for entry in study.entries]
        return Part(who, str(section.title), require_content(section.build(records)))
    except Exception as error:  # a stranger's section may raise anything, and the rest is to be read
        return Part(who, "A section failed", (_failure(who, error),))


def _drawn(number: int, part: Part) -> dict[str, Any] | None:
    """Return title, tables and plots of a part that has any."""
    content: list[Table | Plot] = []
    for index, one in enumerate(part.content):
        if isinstance(one, Table):
            content.append(one)
            continue
        try:
            content.append(drawn(one, f"added-{number}-{index}"))
        except Exception as error:  # as above
            content.append(_failure(part.who, error))
    return {"title": part.title, "content": content} if content else None


def _failure(who: str, error: Exception) -> Table:
    """Return a table that says what went wrong, since every document shows tables."""
    known = isinstance(error, BrokenPlugin)  # which names the plugin itself
    text = str(error) if known else f"{who} failed: {type(error).__name__}: {error}".rstrip(": .") + "."
    return Table("A section failed", ("reason",), ((Datum(text),),))
