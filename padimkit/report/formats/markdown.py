"""The report as Markdown: failed and missing cells, and the tables of all sections."""

import re
from collections.abc import Iterator, Sequence

from padimkit.files.foreign_text import printable
from padimkit.report.protocols import warnings
from padimkit.report.sections import SECTIONS, Section
from padimkit.report.study import Study, unique
from padimkit.report.tables import Datum, Table

_SEEDS = re.compile(r"over (n = .* seeds.*)\.$")  # in legends, which stand below each table only in a paper


def as_markdown(study: Study, sections: Sequence[Section] = SECTIONS) -> str:
    """Return counts, failed and missing cells, warnings, the tables of all sections, and the protocols."""
    tables = [table for section in sections for table in section.tables(study)]
    return "\n".join([*_summary(study), *_tables(tables, study), *_protocols(study)]) + "\n"


def _summary(study: Study) -> Iterator[str]:
    finished = len(study.entries) - len(study.failed)
    yield f"{finished} cells finished, {len(study.failed)} failed, {len(study.missing)} missing.\n"
    for text in [*study.failures, *study.gaps]:
        yield f"- {escaped(text)}"
    for text in warnings(study.entries):
        yield f"- Note: {escaped(text)}"


def _tables(tables: Sequence[Table], study: Study) -> Iterator[str]:
    for table in tables:
        yield from _table(table)
    said = [*_plus_minus(tables, study), *_bold(tables, study)]
    if said:
        text = "; ".join(said)
        yield f"\n{text[0].upper()}{text[1:]}."


def _plus_minus(tables: Sequence[Table], study: Study) -> Iterator[str]:
    """Say what ± is, if it stands anywhere, and over how many seeds, if these are the same everywhere."""
    counts = unique(found[1] for table in tables for text in table.legend if (found := _SEEDS.search(text)))
    if counts:
        yield f"mean ± {study.notation.spread_name} over {counts[0] if len(counts) == 1 else 'seeds'}"


def _bold(tables: Sequence[Table], study: Study) -> Iterator[str]:
    if any(datum.best for table in tables for row in table.rows for datum in row):
        yield f"the best of a {'column' if study.notation.methods == 'rows' else 'row'} and protocol is bold"


def _protocols(study: Study) -> Iterator[str]:
    yield "\nProtocols:\n"
    yield from (f"- {letter}: {escaped(str(protocol))}" for protocol, letter in study.letters.items())


def _table(table: Table) -> Iterator[str]:
    yield f"\n### {escaped(table.caption)}\n"
    yield from (f"{escaped(note)}\n" for note in (*table.explained, *table.notes))
    yield f"| {' | '.join(map(escaped, table.head))} |"
    yield f"|{'|'.join('---:' if numeric else '---' for numeric in table.numeric)}|"
    for row in table.rows:
        yield f"| {' | '.join(map(_datum, row))} |"


def _datum(datum: Datum) -> str:
    return f"**{escaped(datum.text)}**" if datum.best else escaped(datum.text)


def escaped(text: str) -> str:
    """Return the text on one line, with nothing that Markdown or HTML would take for markup."""
    return re.sub(r"([\\`*_{}\[\]<>|#~&$])", r"\\\1", printable(" ".join(text.split())))
