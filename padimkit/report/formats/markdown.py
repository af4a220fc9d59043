"""The report as Markdown: what failed, and methods by categories."""

import re
from collections.abc import Iterator

from padimkit.report.protocols import warnings
from padimkit.report.scoreboards import scoreboards
from padimkit.report.sections.comparison import board_table
from padimkit.report.sections.growth import exponent_tables
from padimkit.report.study import Study
from padimkit.report.tables import Datum, Table


def as_markdown(study: Study) -> str:
    """Counts, failed and missing cells, tables of figures of merit, and exponents of growth."""
    return "\n".join(_lines(study)) + "\n"


def _lines(study: Study) -> Iterator[str]:
    finished = len(study.entries) - len(study.failed)
    yield f"{finished} cells finished, {len(study.failed)} failed, {len(study.missing)} missing.\n"
    for text in [*study.failures, *study.gaps]:
        yield f"- {escaped(text)}"
    for text in warnings(study.entries):
        yield f"- Note: {escaped(text)}"
    boards = scoreboards(study)
    for board in boards:
        yield from _table(board_table(board, study.letters))
    if boards:
        yield "\nMean ± sample standard deviation over seeds; the best of a column and protocol is bold."
    for table in exponent_tables(study):
        yield from _table(table)
    yield "\nProtocols:\n"
    yield from (f"- {letter}: {escaped(str(protocol))}" for protocol, letter in study.letters.items())


def _table(table: Table) -> Iterator[str]:
    yield f"\n### {escaped(table.caption)}\n"
    yield from (f"{escaped(note)}\n" for note in table.notes)
    yield f"| {' | '.join(map(escaped, table.head))} |"
    yield f"|{'|'.join('---:' if numeric else '---' for numeric in table.numeric)}|"
    for row in table.rows:
        yield f"| {' | '.join(map(_datum, row))} |"


def _datum(datum: Datum) -> str:
    return f"**{escaped(datum.text)}**" if datum.best else escaped(datum.text)


def escaped(text: str) -> str:
    """On one line, with nothing that Markdown or HTML would take for markup."""
    return re.sub(r"([\\`*_{}\[\]<>|#~&$])", r"\\\1", " ".join(text.split()))
