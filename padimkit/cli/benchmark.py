"""`padimkit benchmark`: run a suite, go on with one, or run the cell of a record again."""

import sys
from pathlib import Path

from jsonargparse import ArgumentParser

from padimkit.benchmark.cell import Planned
from padimkit.benchmark.planning.forecast import Forecast, Forecasts
from padimkit.benchmark.planning.promise import promised_rate
from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.record import Record
from padimkit.benchmark.running.engine import require_engine
from padimkit.benchmark.running.runner import adopt_names, failures, only_runner, remaining, run_suite
from padimkit.benchmark.running.tracking import made_tracker, tracked
from padimkit.benchmark.tracker import Tracker
from padimkit.cli.repetition import outcome, repeat
from padimkit.config.commands import add_trust
from padimkit.config.parser import new_parser, parse_words
from padimkit.errors import BadConfig, FailedCells
from padimkit.files.foreign_text import printable
from padimkit.registry.modules import collector_at_rest


def run(words: list[str]) -> None:
    """Run the suite, or the cell of the record, that the words name."""
    given = parse_words(_parser(), words)
    if (given.suite is None) == (given.record is None):
        raise BadConfig("Give either the YAML file of a suite, or --record FILE.")
    if given.record is not None:
        if given.tracker is not None:
            raise BadConfig("--tracker is told of the cells of a suite, and of no record that is run again.")
        repeat(given.record, trust=given.trust)
        return
    tracker = None if given.tracker is None else made_tracker(given.tracker)
    with collector_at_rest():  # a plan imports, and makes the settings of all cells
        suite = Suite.read(given.suite, trust=given.trust)
    require_engine(suite.engine)
    output = given.output or Path("records") / suite.name
    left = remaining(suite, output, retry_failed=given.retry_failed)
    _announce(suite, left, output)
    forecasts = Forecasts()
    try:
        if given.dry_run:
            for planned in left:
                known = forecasts.of(planned)
                print(printable(f"{planned.cell.title}: {_said(known)}{_promise(planned)}"))
            return
        forecasts.require_fitting(left)
    except BadConfig as error:
        raise BadConfig(f'"{given.suite}": {error}') from error
    _run(suite, left, output, tracker)
    count = len(suite.planned)
    said = "1 record is" if count == 1 else f"{count} records are"
    print(f"{said} in {output}; report them by: padimkit report {output}")
    failed = failures(suite, output)
    if failed:
        raise FailedCells(f"{failed} of {count} cells failed; try them again by --retry-failed.")


def _parser() -> ArgumentParser:
    parser = new_parser("benchmark", description=__doc__)
    parser.add_argument("suite", type=Path | None, nargs="?", help="YAML file of the suite.")
    parser.add_argument(
        "--output", type=Path | None, help="Folder of the records; by default records/<suite>."
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="Show which cells would run, and the bytes that they would take.",
    )
    parser.add_argument("--retry-failed", action="store_true", help="Run failed cells again.")
    parser.add_argument("--record", type=Path | None, help="Run the cell of this record again, and compare.")
    parser.add_argument(
        "--tracker",
        type=str | None,
        default=None,
        help="NAME or NAME=PLACE: tell this tracker of each cell, such as mlflow.",
    )
    add_trust(parser)
    return parser


def _announce(suite: Suite, left: list[Planned], output: Path) -> None:
    for one in suite.left_out:
        print(printable(f"Left out: {one.name}: {one.reason}."), file=sys.stderr)
    done = len(suite.planned) - len(left)
    known = f"; {done} of them have a record in {output}" if done else ""
    print(f"{suite.name}: {len(suite.planned)} cells{known}", flush=True)


def _run(suite: Suite, left: list[Planned], output: Path, tracker: Tracker | None) -> None:
    """Run the cells, and print a line as each one ends."""
    written: set[str] = set()
    try:
        with only_runner(output):
            adopt_names(suite, output)
            records = run_suite(suite, left, output)
            for record in records if tracker is None else tracked(records, output, tracker, _warn):
                written.add(record.key)
                said = f"{record.cell.title}{_process(record)}: {outcome(record)}, {record.took:.0f} s"
                print(printable(f"[{len(written)}/{len(left)}] {said}"), flush=True)
    except KeyboardInterrupt:
        kept = f"{len(written)} new records are in {output}, and the same command goes on from there"
        raise KeyboardInterrupt(kept) from None


def _process(record: Record) -> str:
    several = record.cell.processes > 1 and record.failure is None and record.interrupted is None
    return f", process {len(record.processes)} of {record.cell.processes}" if several else ""


def _promise(planned: Planned) -> str:
    rate = promised_rate(planned.cell, planned.facts)
    return "" if rate is None else f"; at most {rate:.2%} false alarms promised"


def _warn(text: str) -> None:
    print(printable(text), file=sys.stderr)


def _said(known: Forecast) -> str:
    return f"refuses a random image: {known.refusal}" if known.refusal else _size(known.bytes)


def _size(count: int | None) -> str:
    if count is None:
        return "bytes not known before it runs"
    return f"{count / 1e9:.2f} GB predicted" if count >= 1e9 else f"{count / 1e6:.1f} MB predicted"
