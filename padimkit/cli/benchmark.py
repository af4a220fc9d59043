"""`padimkit benchmark`: run a suite, go on with one, or run the cell of a record again."""

import sys
from dataclasses import replace
from pathlib import Path

from jsonargparse import ArgumentParser

from padimkit.benchmark.cell import EMBEDDINGS, Cell, Facts, Limits
from padimkit.benchmark.drawn import Drawn
from padimkit.benchmark.planning.fingerprint import facts_of, facts_of_drawn, files_named
from padimkit.benchmark.planning.forecast import Forecasts
from padimkit.benchmark.planning.places import Places, folders_of
from padimkit.benchmark.planning.promise import promised_rate
from padimkit.benchmark.planning.suite import Planned, Suite
from padimkit.benchmark.record import LATENCY, Record
from padimkit.benchmark.running.engine import require_engine
from padimkit.benchmark.running.process import run_cell
from padimkit.benchmark.running.runner import adopt_names, failures, only_runner, remaining, run_suite
from padimkit.benchmark.store import read
from padimkit.config.build import instantiate
from padimkit.config.class_paths import Expansion
from padimkit.config.commands import add_trust
from padimkit.config.description import versions_named
from padimkit.config.parser import new_parser, parse_words
from padimkit.errors import BadConfig, BadData, FailedCells, PadimkitError, UntrustedClass
from padimkit.files.foreign_text import printable


def run(words: list[str]) -> None:
    """Run the suite, or the cell of the record, that the words name."""
    given = parse_words(_parser(), words)
    if (given.suite is None) == (given.record is None):
        raise BadConfig("Give either the YAML file of a suite, or --record FILE.")
    if given.record is not None:
        _repeat(given.record, trust=given.trust)
        return
    suite = Suite.read(given.suite, trust=given.trust)
    require_engine(suite.engine)
    output = given.output or Path("records") / suite.name
    left = remaining(suite, output, retry_failed=given.retry_failed)
    _announce(suite, left, output)
    forecasts = Forecasts()
    try:
        if given.dry_run:
            for planned in left:
                size = _size(forecasts.peak_bytes(planned))
                print(printable(f"{planned.cell.title}: {size}{_promise(planned)}"))
            return
        forecasts.require_fitting(left)
    except BadConfig as error:
        raise BadConfig(f'"{given.suite}": {error}') from error
    _run(suite, left, output)
    print(f"{len(suite.planned)} records are in {output}; report them by: padimkit report {output}")
    failed = failures(suite, output)
    if failed:
        count = len(suite.planned)
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
    add_trust(parser)
    return parser


def _announce(suite: Suite, left: list[Planned], output: Path) -> None:
    for one in suite.left_out:
        print(printable(f"Left out: {one.name}: {one.reason}."), file=sys.stderr)
    done = len(suite.planned) - len(left)
    known = f"; {done} of them have a record in {output}" if done else ""
    print(f"{suite.name}: {len(suite.planned)} cells{known}", flush=True)


def _run(suite: Suite, left: list[Planned], output: Path) -> None:
    """Run the cells, and print a line as each one ends."""
    written: set[str] = set()
    try:
        with only_runner(output):
            adopt_names(suite, output)
            for record in run_suite(suite, left, output):
                written.add(record.key)
                said = f"{record.cell.title}{_process(record)}: {_outcome(record)}, {record.took:.0f} s"
                print(printable(f"[{len(written)}/{len(left)}] {said}"), flush=True)
    except KeyboardInterrupt:
        kept = f"{len(written)} new records are in {output}, and the same command goes on from there"
        raise KeyboardInterrupt(kept) from None


def _process(record: Record) -> str:
    several = record.cell.processes > 1 and record.failure is None
    return f", process {len(record.processes)} of {record.cell.processes}" if several else ""


def _outcome(record: Record) -> str:
    if record.failure is not None:
        failure = record.failure
        return f'failed ({failure.cause}) in the stage "{failure.stage}": {failure.message}'
    said = [f"{name} {value:.4f}" for name, value in record.metrics.items()]
    if (latency := record.seconds.get(LATENCY)) is not None:
        said.append(f"latency {1000 * latency.median:.1f} ms")
    return ", ".join(said) or "measured"


def _repeat(path: Path, *, trust: bool) -> None:
    record = read(path)
    facts = _facts(record.cell, path, trust=trust)
    _tell_versions(record.cell, path)
    if record.facts is not None and _without_places(facts, record.facts) != record.facts:
        raise BadData(f'Data or weights of "{path}" have changed since; its metrics cannot be reproduced.')
    again = run_cell(record.cell, facts, Limits(threads=record.environment.get("threads")))
    print(printable(f"{again.cell.title}: {_outcome(again)}, {again.took:.0f} s"))
    if again.failure is not None:
        raise BadData(f'"{path}" could not be reproduced: this run failed.')
    differing = [name for name, value in record.metrics.items() if again.metrics.get(name) != value]
    if differing:
        expected = ", ".join(f"{name} {record.metrics[name]!r}" for name in differing)
        raise BadData(f'"{path}" has other metric values: {expected}.')
    print(_compared(record))


def _tell_versions(cell: Cell, path: Path) -> None:
    here = versions_named(cell.settings)
    for name, version in cell.versions.items():
        if here.get(name) != version:
            found = f"{name} {here[name]} is installed" if name in here else f"{name} is not installed"
            print(printable(f'"{path}" was made with {name} {version}; {found}.'), file=sys.stderr)


def _facts(cell: Cell, path: Path, *, trust: bool) -> Facts:
    if cell.of_embeddings:
        return facts_of_drawn(Drawn(**cell.settings[EMBEDDINGS]))
    try:
        data = instantiate(cell.settings, Expansion(trust)).data
        places = Places().of_cell(cell.settings, folders_of([*data.train(), *data.test()]))
        return replace(facts_of(data), files=files_named(cell.settings["pipeline"]), places=places)
    except UntrustedClass as error:
        raise BadData(f'"{path}": {error}') from error
    except PadimkitError as error:
        raise BadData(f"{error} Paths in a record count from the folder where its suite was run.") from error


def _without_places(facts: Facts, recorded: Facts) -> Facts:
    """Return the facts without places if the record is older than these."""
    return facts if recorded.places else replace(facts, places={})


def _compared(record: Record) -> str:
    if record.failure is not None:
        return f"The record is of a failed run ({record.failure.cause}): there is nothing to compare."
    if not record.metrics:
        return "The record holds no metrics: there is nothing to compare."
    return f"The metric values are exactly those of the record: {len(record.metrics)} metrics."


def _promise(planned: Planned) -> str:
    rate = promised_rate(planned.cell, planned.facts)
    return "" if rate is None else f"; at most {rate:.2%} false alarms promised"


def _size(count: int | None) -> str:
    if count is None:
        return "bytes not known before it runs"
    return f"{count / 1e9:.2f} GB predicted" if count >= 1e9 else f"{count / 1e6:.1f} MB predicted"
