"""The report as tables of LaTeX, for booktabs."""

from collections.abc import Iterator

from padimkit.report.board_tables import board_table
from padimkit.report.exponents import exponent_tables
from padimkit.report.scoreboards import scoreboards
from padimkit.report.study import Study
from padimkit.report.table import DASH, Datum, Table

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

    Failed and missing cells are comments at the top.
    """
    lines = [r"% \usepackage{booktabs}"]
    lines += [f"% {' '.join(text.split())}" for text in [*study.failures, *study.gaps]]
    for board in scoreboards(study):
        lines += _table(board_table(board, study.letters))
    for table in exponent_tables(study):
        lines += _table(table)
    return "\n".join(lines) + "\n"


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
