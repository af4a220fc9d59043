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
from padimkit.errors import BadArgument
from padimkit.files import new_file, new_folder
from padimkit.registry.plugin import Plugin
from padimkit.registry.registry import Registry
from padimkit.report.added import with_added
from padimkit.report.entries import files_of_records
from padimkit.report.formats.csv import as_csv
from padimkit.report.formats.json_lines import as_json_lines
from padimkit.report.formats.latex import as_latex
from padimkit.report.formats.markdown import as_markdown
from padimkit.report.formats.page import as_page
from padimkit.report.formats.parquet import as_parquet
from padimkit.report.formats.site import STUDIES, write_site
from padimkit.report.notation import Methods, Notation, Spread
from padimkit.report.paper.table import as_paper_table
from padimkit.report.section import ReportSection
from padimkit.report.sections import Section
from padimkit.report.study import Study, read_study

Format = Literal["html", "markdown", "csv", "latex", "jsonl", "parquet"]
_WRITERS: dict[str, Callable[[Study, Sequence[Section]], str | bytes]] = {
    "html": as_page,
    "markdown": as_markdown,
    "csv": lambda study, _: as_csv(study),
    "latex": as_latex,
    "jsonl": lambda study, _: as_json_lines(study),
    "parquet": lambda study, _: as_parquet(study),
}
_FILES = {"html": "FILE.html for the page", "parquet": "FILE.parquet for the table"}  # not to be printed


def run(words: list[str]) -> None:
    """Read the records and write the document or the site, or print it."""
    settings = parse_words(_parser(), words)
    if settings.site:
        if settings.paper is not None or settings.format != "html":
            raise BadArgument("A site is made of pages: leave out either --site, or --paper and --format.")
        _write_site(settings)
        return
    if settings.paper is not None and settings.format not in ("html", "markdown"):
        raise BadArgument(f"--paper writes Markdown, and no {settings.format}: leave out --format.")
    if settings.format in _FILES and settings.paper is None:
        _required_output(settings, _FILES[settings.format])
    if settings.output is None:
        sys.stdout.write(_document(settings).decode())
        return
    with new_file(settings.output, overwrite=settings.overwrite) as file:
        file.write_bytes(_document(settings))
    print(f"The report is in {settings.output}")


def _required_output(settings: Namespace, what: str) -> Path:
    if settings.output is None:
        files_of_records(settings.records)  # a folder without any is the greater mistake
    return require_output(settings.output, what)


def _write_site(settings: Namespace) -> None:
    output = _required_output(settings, "FOLDER for the site")
    with new_folder(output, overwrite=settings.overwrite, marker=STUDIES) as folder:
        write_site(settings.records, folder, _sections(), _notation(settings))
    print(f"The site is in {output}; it begins with {output / 'index.html'}")


def _document(settings: Namespace) -> bytes:
    study = read_study(settings.records, _notation(settings))
    if settings.paper is not None:
        return as_paper_table(study, settings.paper).encode()
    found = _WRITERS[settings.format](study, _sections())
    return found if isinstance(found, bytes) else found.encode()


def _sections() -> Sequence[Section]:
    """Return all sections, those of plugins among them; one that is broken is told of in its place."""
    return with_added({plugin.title: partial(_made, plugin) for plugin in Registry("sections").plugins()})


def _made(plugin: Plugin) -> ReportSection:
    section: ReportSection = plugin.load()()
    return section


def _notation(settings: Namespace) -> Notation:
    return Notation(settings.percent, settings.digits, settings.spread, settings.methods)


def _parser() -> ArgumentParser:
    parser = new_parser(
        "report",
        usage="padimkit report RECORDS... --output page.html [--format FORMAT | --paper TABLE | --site] "
        "[--overwrite]",
        description="Make one document of the records that padimkit benchmark has written: a page that needs "
        "no network, tables in Markdown or LaTeX, a line per cell in CSV or JSON, or a table in Parquet; "
        "or a site of several folders. Nothing is run.",
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
        help="Without --format: measurements beside the PaDiM paper's table of this number, in Markdown.",
    )
    parser.add_argument(
        "--site",
        action="store_true",
        help="In its place a site: an index, and for each folder of records a page and the records, packed.",
    )
    parser.add_argument("--percent", action="store_true", help="Metric values of tables in percent.")
    parser.add_argument(
        "--digits", type=int | None, default=None, help="Their digits after the point; 4, or 2 in percent."
    )
    parser.add_argument(
        "--spread",
        type=Spread,
        default="sd",
        help="What stands after ±: standard deviation, or error of the mean.",
    )
    parser.add_argument("--methods", type=Methods, default="rows", help="Methods as rows or as columns.")
    parser.add_argument("--overwrite", action="store_true", help="Replace an output that exists.")
    return parser
