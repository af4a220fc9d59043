"""`padimkit records check`: whether the files of folders are whole records that agree, and come again."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from jsonargparse import ArgumentParser

from padimkit.benchmark.record import Record
from padimkit.benchmark.store import files_of, plans, read
from padimkit.cli.repetition import repeat
from padimkit.config.commands import add_trust
from padimkit.config.parser import new_parser, parse_words
from padimkit.errors import BadData, FaultyRecords, PadimkitError
from padimkit.files.foreign_text import printable


def run(words: list[str]) -> None:
    """Check all records, name each fault, and run their cells again if asked.

    Raises:
        BadData: There are no records.
        FaultyRecords: There are faults.
    """
    given = parse_words(_parser(), words)
    files = list(dict.fromkeys(files_of(given.records)))
    if not files:
        raise BadData(f"No records are in {', '.join(map(str, given.records))}.")
    records, faults = _read(files)
    faults += _plan_faults(given.records)
    faults += [fault for path, record in records.items() for fault in _faults(path, record)]
    faults += _contradictions(records)
    faults += _run_faults(records, trust=given.trust) if given.run else []
    for fault in faults:
        print(printable(fault))
    if faults:
        raise FaultyRecords(f"Found in {len(files)} records: {_counted(len(faults), 'fault')}.")
    print(f"{_counted(len(files), 'record')}: whole, under the keys of their contents, and they agree.")


def _parser() -> ArgumentParser:
    parser = new_parser(
        "records check",
        usage="padimkit records check RECORDS... [--run] [--trust]",
        description="Check that each file is a whole record, that its key is that of its cell and data, and "
        "that no two are of the same cell with other metric values.",
    )
    parser.add_argument("records", type=Path, nargs="+", help="Folders of records, or single ones.")
    parser.add_argument(
        "--run",
        action="store_true",
        help="Then run each finished cell again, as padimkit benchmark --record does, and compare.",
    )
    add_trust(parser)
    return parser


def _read(files: list[Path]) -> tuple[dict[Path, Record], list[str]]:
    records, faults = {}, []
    for path in files:
        try:
            records[path] = read(path)
        except BadData as error:
            faults.append(str(error))
    return records, faults


def _plan_faults(given: list[Path]) -> list[str]:
    faults = []
    for folder in filter(Path.is_dir, given):
        try:
            list(plans(folder))
        except BadData as error:
            faults.append(str(error))
    return faults


def _faults(path: Path, record: Record) -> Iterator[str]:
    """Yield the reasons for which a file does not stand under the key of its content."""
    if path.stem != record.key:
        yield f'"{path}" is called otherwise than its key, "{record.key}".'
    if record.facts is None:
        yield f'"{path}" tells nothing of its data, so that its key cannot be that of its content.'
    elif record.cell.key(record.facts) != record.key:
        yield (
            f'"{path}" has the key "{record.key}", its content "{record.cell.key(record.facts)}": '
            "its cell, or what it tells of its data, has been changed."
        )


def _contradictions(records: Mapping[Path, Record]) -> Iterator[str]:
    """Yield a sentence for each record of a cell that an earlier one has other metric values for."""
    first: dict[str, Path] = {}
    for path, record in records.items():
        if record.failure is not None:
            continue
        twin = first.setdefault(record.key, path)
        if records[twin].metrics != record.metrics:
            yield f'"{twin}" and "{path}" are records of the same cell with different metric values.'


def _run_faults(records: Mapping[Path, Record], *, trust: bool) -> Iterator[str]:
    for path, record in records.items():
        if record.failure is None:
            try:
                repeat(path, trust=trust)
            except PadimkitError as error:
                yield str(error)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
