"""`padimkit report`: records of a benchmark as a document.

A command of its own: `main` imports it by name when it is called.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from jsonargparse import ArgumentParser, Namespace

from padimkit.cli.output import require_output
from padimkit.config.parser import new_parser, parse_words
from padimkit.files import new_file
from padimkit.registry.plugin import Plugin
from padimkit.registry.registry import Registry
from padimkit.report.added import Make, with_added
from padimkit.report.formats.csv import as_csv
from padimkit.report.formats.latex import as_latex
from padimkit.report.formats.markdown import as_markdown
from padimkit.report.formats.page import as_page
from padimkit.report.paper.table import as_paper_table
from padimkit.report.section import ReportSection
from padimkit.report.sections import Section
from padimkit.report.study import Study, read_study

Format = Literal["html", "markdown", "csv", "latex"]
_WRITERS: dict[str, Callable[[Study, Sequence[Section]], str]] = {
    "html": as_page,
    "markdown": as_markdown,
    "csv": lambda study, _: as_csv(study),
    "latex": as_latex,
}


def run(words: list[str]) -> None:
    """Read the records and write the document, or print it."""
    settings = parse_words(_parser(), words)
    if settings.format == "html" and settings.paper is None:
        require_output(settings.output, "FILE.html for the page")
    if settings.output is None:
        sys.stdout.write(_document(settings))
        return
    with new_file(settings.output, overwrite=settings.overwrite) as file:
        file.write_text(_document(settings), encoding="utf-8")
    print(f"The report is in {settings.output}")


def _document(settings: Namespace) -> str:
    study = read_study(settings.records)
    if settings.paper is not None:
        return as_paper_table(study, settings.paper)
    return _WRITERS[settings.format](study, with_added(_added()))


def _added() -> dict[str, Make]:
    """Return functions that make the sections of all plugins; one that is broken is told of in its place."""
    return {plugin.title: partial(_made, plugin) for plugin in Registry("sections").plugins()}


def _made(plugin: Plugin) -> ReportSection:
    section: ReportSection = plugin.load()()
    return section


def _parser() -> ArgumentParser:
    parser = new_parser(
        "report",
        usage="padimkit report RECORDS... --output page.html [--format FORMAT] [--paper TABLE] [--overwrite]",
        description="Make one document of the records that padimkit benchmark has written: a page that needs "
        "no network, tables in Markdown or LaTeX, or a CSV line per cell. Nothing is run.",
    )
    parser.add_argument("records", type=Path, nargs="+", help="Folders of records, or single ones.")
    parser.add_argument("--output", type=Path, default=None, help="The file to write.")
    parser.add_argument(
        "--format", type=Format, default="html", help=f"One of {', '.join(get_args(Format))}."
    )
    parser.add_argument(
        "--paper",
        type=int | None,
        default=None,
        help="In its place, in Markdown: measurements beside the PaDiM paper's table of this number, 1 to 8.",
    )
    parser.add_argument("--overwrite", action="store_true", help="Replace an output that exists.")
    return parser
