"""The report as tables of LaTeX, for booktabs."""

from collections.abc import Iterator
from dataclasses import replace

from padimkit.report.protocols import warnings
from padimkit.report.scoreboards import Scoreboard, scoreboards
from padimkit.report.sections.comparison import board_table
from padimkit.report.sections.growth import exponent_tables
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


def as_latex(study: Study) -> str:
    """A table for each figure of merit and data set, and for each study of growth its exponents.

    Failed and missing cells, and what hinders a comparison, are comments at the top. Captions name protocols.
    """
    lines = [r"% \usepackage{booktabs}"]
    lines += [_comment(text) for text in [*study.failures, *study.gaps]]
    lines += [_comment(f"Note: {text}") for text in warnings(study.entries)]
    for board in scoreboards(study):
        table = board_table(board, study.letters)
        lines += _table(replace(table, notes=(*_legend(board, study), *table.notes)))
    for table in exponent_tables(study):
        lines += _table(table)
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    return f"% {' '.join(text.split())}"


def _legend(board: Scoreboard, study: Study) -> tuple[str, ...]:
    """The only protocol of a table; several are named in its notes."""
    if len(board.protocols) > 1:
        return ()
    return tuple(f"Protocol {study.letters[protocol]}: {protocol}." for protocol in board.protocols)


def _table(table: Table) -> Iterator[str]:
    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    yield r"\begin{table}"
    yield rf"\caption{{{_escaped(' '.join([f'{table.caption}.', *table.notes]))}}}"
    yield r"\centering"
    yield rf"\begin{{tabular}}{{{columns}}}"
    yield r"\toprule"
    yield " & ".join(map(_escaped, table.head)) + r" \\"
    yield r"\midrule"
    yield from (" & ".join(map(_datum, row)) + r" \\" for row in table.rows)
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"


def _datum(datum: Datum) -> str:
    return rf"\textbf{{{_escaped(datum.text)}}}" if datum.best else _escaped(datum.text)


def _escaped(text: str) -> str:
    return "".join(_COMMANDS.get(letter, letter) for letter in " ".join(text.split()))
