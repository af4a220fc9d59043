"""The report as LaTeX tables for booktabs.

A format of its own: no other needs its escapes and its layout of tables.
"""

import re
from collections.abc import Iterator, Sequence

from padimkit.files.foreign_text import printable
from padimkit.report.notation import IN_PERCENT
from padimkit.report.protocols import warnings
from padimkit.report.sections import SECTIONS, Section
from padimkit.report.study import Study
from padimkit.report.tables import DASH, Datum, Table

_COMMANDS = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    DASH: "--",
}


def as_latex(study: Study, sections: Sequence[Section] = SECTIONS) -> str:
    """Return the tables of all sections: methods by categories, and exponents of growth.

    Failed and missing cells, and warnings, are comments at the top. Captions name the protocols.
    """
    lines = [r"% \usepackage{booktabs}"]
    lines += [_comment(text) for text in [*study.failures, *study.gaps]]
    lines += [_comment(f"Note: {text}") for text in warnings(study.entries)]
    tables = [table for section in sections for table in section.tables(study)]
    lines += [
        line for table, label in zip(tables, _labels(tables), strict=True) for line in _table(table, label)
    ]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    return f"% {printable(' '.join(text.split()))}"


def _table(table: Table, label: str) -> Iterator[str]:
    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    yield r"\begin{table}"
    caption = " ".join([f"{table.caption}.", *table.legend, *table.explained, *table.notes])
    yield rf"\caption{{{_escaped(caption)}}}"
    yield rf"\label{{tab:{label}}}"
    yield r"\centering"
    yield rf"\begin{{tabular}}{{{columns}}}"
    yield r"\toprule"
    yield " & ".join(map(_escaped, table.head)) + r" \\"
    yield r"\midrule"
    yield from (_row(row) for row in table.rows)
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"


def _labels(tables: Sequence[Table]) -> list[str]:
    """Return a name for each table, by which a text refers to it: the same whatever the notation is.

    It is of the words of the caption, up to a semicolon; of several alike, later ones have a number.
    """
    found: list[str] = []
    for table in tables:
        caption = table.caption.partition(";")[0].replace(IN_PERCENT, "")
        label = "-".join(re.findall(r"[a-z0-9]+", caption.lower()))
        known = sum(re.fullmatch(rf"{label}(-no-\d+)?", one) is not None for one in found)
        found.append(f"{label}-no-{known + 1}" if known else label)
    return found


def _row(row: Sequence[Datum]) -> str:
    """Return a line; a bracket or star at its start would be an option of the line break before it."""
    line = " & ".join(map(_datum, row)) + r" \\"
    return f"{{}}{line}" if line.startswith(("[", "*")) else line


def _datum(datum: Datum) -> str:
    return rf"\textbf{{{_escaped(datum.text)}}}" if datum.best else _escaped(datum.text)


def _escaped(text: str) -> str:
    return "".join(_COMMANDS.get(letter, letter) for letter in printable(" ".join(text.split())))
