"""Checks of sections that plugins add to a report."""

import sys
import warnings
from collections.abc import Sequence
from typing import Any

from padimkit.arguments import arguments
from padimkit.benchmark.record import Record
from padimkit.report.section import Drawing, ReportSection, require_content
from padimkit.report.tables import Table
from padimkit.testing import imports, manners
from padimkit.testing.check import Make, NotApplicable, checks, require
from padimkit.testing.inputs.records import all_parts, incomplete, records_of


def has_a_title(make: Make) -> None:
    """`title` is a text that is the same for all records."""
    section = make()
    title = section.title
    require(
        isinstance(title, str) and bool(title.strip()), f'Expected "title" to be a text, found {title!r}.'
    )
    section.build(records_of("first"))
    require(section.title == title, f"Expected the title {title!r} for all records, found {section.title!r}.")


def gives_tables_and_drawings(make: Make) -> None:
    """Building returns a list of Table and Drawing, each row as long as the head, and texts in all places."""
    for one in _content(make(), records_of("first")):
        table = one.table if isinstance(one, Drawing) else one
        if table is not None:
            require(bool(table.caption.strip()), "Expected a caption of each table, found none.")
            require(len(table.head) > 0, f'Expected columns in the table "{table.caption}", found none.')


def drawings_can_be_drawn(make: Make) -> None:
    """Drawings paint on the axes that they are given, without a warning."""
    drawings = [one for one in _content(make(), records_of("first")) if isinstance(one, Drawing)]
    if not drawings:
        raise NotApplicable("It has no drawings of these records.")
    for number, drawing in enumerate(drawings):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            svg = _svg(drawing, number)
        require(
            not caught,
            f'Expected "{drawing.caption}" without warnings, found {[str(w.message) for w in caught]}.',
        )
        empty = _svg(_nothing(drawing), number)
        require(
            svg != empty, f'Expected "{drawing.caption}" on the axes that are given, found nothing there.'
        )
        require(bool(drawing.description.strip()), "Expected a description of each drawing, found none.")


def takes_no_records(make: Make) -> None:
    """No records, and a single one, are taken."""
    _content(make(), [])
    for record in records_of("first"):
        _content(make(), [record])


def takes_cells_without_results(make: Make) -> None:
    """Cells that failed, lack metrics, times or scores, or vary a size, are taken, alone and among others."""
    _content(make(), incomplete("first"))
    _content(make(), [*records_of("first"), *incomplete("second")])


def all_records_count(make: Make) -> None:
    """The content depends on the records: others, of which there are fewer, give another one."""
    first, other = (_content(make(), given) for given in (records_of("first"), records_of("second")[1:]))
    same = _shown(first) == _shown(other) and _painted(first) == _painted(other)
    require(not same, "Expected another content of other records, found the same.")


def order_of_records_does_not_matter(make: Make) -> None:
    """Records in another order give the same content: folders list them in any order."""
    given = records_of("first")
    found = _shown(_content(make(), given[::-1]))
    require(
        found == _shown(_content(make(), given)), "Expected the same content of records in another order."
    )


def repeats_itself(make: Make) -> None:
    """The same section gives the same content again, whatever it was given in between."""
    section = make()
    first = _shown(_content(section, records_of("first")))
    _content(section, records_of("second"))
    again = _shown(_content(section, records_of("first")))
    require(again == first, "Expected the same content from a repeated call, found another.")


def records_are_left_alone(make: Make) -> None:
    """Records that are passed in stay unchanged."""
    given = records_of("first")
    before = all_parts(given)
    _content(make(), given)
    require(all_parts(given) == before, "Expected the records to be left unchanged, found that they are not.")


def keeps_its_arguments(make: Make) -> None:
    """Arguments are stored under their own names, never change, and make an equal section again."""
    section = make()
    given = arguments(section)
    _content(section, records_of("first"))
    kept = arguments(type(section)(**given))
    require(kept == given == arguments(section), f"Expected the arguments {given} to be kept, found {kept}.")


def leaves_the_style_alone(make: Make) -> None:
    """Settings of matplotlib stay, and no figure is left open: other sections draw by them."""
    import matplotlib

    before = dict(matplotlib.rcParams)
    open_before = _open_figures()
    for number, one in enumerate(_content(make(), records_of("first"))):
        if isinstance(one, Drawing):
            _svg(one, number)
    changed = [name for name, value in matplotlib.rcParams.items() if before.get(name) != value]
    opened = _open_figures() - open_before
    matplotlib.rcParams.update({name: before[name] for name in changed})
    require(not changed, f"Expected the settings of matplotlib to stay, found {', '.join(changed)} changed.")
    require(not opened, f"Expected no figure to be opened, found {opened}. Paint on the axes that are given.")


def _svg(drawing: Drawing, number: int) -> str:
    from padimkit.report.added import drawn  # whose imports take as long as those of torch

    return str(drawn(drawing, f"drawing-{number}").svg)


def _open_figures() -> int:
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    return len(pyplot.get_fignums()) if pyplot else 0


def _content(section: Any, records: Sequence[Record]) -> tuple[Table | Drawing, ...]:
    found = section.build(records)
    try:
        return require_content(found)
    except TypeError as error:
        require(False, f"{str(error)[:1].upper()}{str(error)[1:]}.")
        raise


def _shown(content: Sequence[Table | Drawing]) -> list[object]:
    """Return what a reader sees, but for what is painted."""
    return [(one.caption, one.table) if isinstance(one, Drawing) else one for one in content]


def _painted(content: Sequence[Table | Drawing]) -> list[str]:
    return [_svg(one, number) for number, one in enumerate(content) if isinstance(one, Drawing)]


def _nothing(drawing: Drawing) -> Drawing:
    return Drawing(lambda axes: None, drawing.caption, drawing.description)


SECTION_CHECKS = checks(
    ReportSection,
    has_a_title,
    manners.is_made_without_arguments,
    gives_tables_and_drawings,
    drawings_can_be_drawn,
    takes_no_records,
    takes_cells_without_results,
    all_records_count,
    order_of_records_does_not_matter,
    repeats_itself,
    records_are_left_alone,
    keeps_its_arguments,
    leaves_the_style_alone,
    manners.arguments_have_names,
    imports.import_leaves_the_program_alone,
)
