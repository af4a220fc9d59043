"""`padimkit records merge`: the records and plans of several folders in a new one."""

from collections.abc import Iterable
from pathlib import Path
from shutil import copyfile

from jsonargparse import ArgumentParser

from padimkit.benchmark.record import Record
from padimkit.benchmark.store import Plan, files_of, plans, read, worth
from padimkit.cli.output import require_output
from padimkit.config.parser import new_parser, parse_words
from padimkit.errors import BadData, BadOutput
from padimkit.files import new_folder


def run(words: list[str]) -> None:
    """Write a folder of all records and plans.

    Raises:
        BadData: There are none, a file is not a record, or two of the same cell have other metric values.
        BadOutput: The folder exists, or cannot be written.
    """
    given = parse_words(_parser(), words)
    output = require_output(given.output, "FOLDER for the records")
    chosen = _chosen(dict.fromkeys(files_of(given.records)))
    merged = _merged(plan for folder in given.records if folder.is_dir() for plan in plans(folder))
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise BadOutput(f'"{output}" exists. Records are merged into a new folder: choose another name.')
    with new_folder(output, overwrite=False, marker="") as folder:
        for key, path in chosen.items():
            copyfile(path, folder / f"{key}.json")
        for plan in merged:
            plan.write(folder)
    print(f"{len(chosen)} records are in {output}")


def _parser() -> ArgumentParser:
    parser = new_parser(
        "records merge",
        usage="padimkit records merge RECORDS... --output FOLDER",
        description="Copy the records of several folders into a new one. Of a cell that has several, the "
        "finished one counts that was timed by the most processes, the latest of several; two with different "
        "metric values are refused.",
    )
    parser.add_argument("records", type=Path, nargs="+", help="Folders of records, or single ones.")
    parser.add_argument(
        "--output", type=Path, default=None, help="The folder to write, which is new or empty."
    )
    return parser


def _chosen(files: Iterable[Path]) -> dict[str, Path]:
    """Return the file of each cell, by its key."""
    found: dict[str, tuple[Path, Record]] = {}
    for path in files:
        record = read(path)
        twin_path, twin = found.setdefault(record.key, (path, record))
        if twin.failure is None and record.failure is None and twin.metrics != record.metrics:
            raise BadData(
                f'"{twin_path}" and "{path}" are records of the same cell with different metric values. '
                "Leave one of them out."
            )
        if worth(record) > worth(twin):
            found[record.key] = path, record
    if not found:
        raise BadData("No records are in these folders. `padimkit benchmark SUITE` writes them.")
    return {key: path for key, (path, _) in found.items()}


def _merged(found: Iterable[Plan]) -> Iterable[Plan]:
    """Return a plan for each suite, with the cells of all its plans."""
    titles: dict[str, dict[str, str]] = {}
    for plan in found:
        titles.setdefault(plan.suite, {}).update(plan.titles)
    return [Plan(suite, known) for suite, known in titles.items()]
