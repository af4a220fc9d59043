"""The cell of a record, run again, and its metric values beside those of the record.

It stands apart from `padimkit benchmark`, since `padimkit records check` runs records again too.
"""

import sys
from dataclasses import replace
from pathlib import Path

from padimkit.benchmark.cell import EMBEDDINGS, Cell, Facts, Limits
from padimkit.benchmark.drawn import Drawn
from padimkit.benchmark.planning.fingerprint import facts_of, facts_of_drawn, files_named
from padimkit.benchmark.planning.places import Places, folders_of
from padimkit.benchmark.record import LATENCY, Failure, Record
from padimkit.benchmark.running.process import run_cell
from padimkit.benchmark.store import read, typed
from padimkit.config.build import instantiate
from padimkit.config.class_paths import Expansion
from padimkit.config.description import versions_named
from padimkit.errors import BadData, PadimkitError, UntrustedClass
from padimkit.files.foreign_text import printable


def repeat(path: Path, *, trust: bool) -> None:
    """Run the cell of a record and print what came of it.

    Raises:
        BadData: It is not a record, its data have changed, the run fails, or its metric values differ.
    """
    record = read(path)
    facts = _facts(record.cell, path, trust=trust)
    _tell_versions(record.cell, path)
    if record.facts is not None and _without_places(facts, record.facts) != record.facts:
        raise BadData(f'Data or weights of "{path}" have changed since; its metrics cannot be reproduced.')
    again = run_cell(record.cell, facts, Limits(threads=record.environment.get("threads")))
    print(printable(f"{again.cell.title}: {outcome(again)}, {again.took:.0f} s"))
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
        return facts_of_drawn(_drawn(cell, path))
    try:
        data = instantiate(cell.settings, Expansion(trust)).data
        places = Places().of_cell(cell.settings, folders_of([*data.train(), *data.test()]))
        return replace(facts_of(data), files=files_named(cell.settings["pipeline"]), places=places)
    except UntrustedClass as error:
        raise BadData(f'"{path}": {error}') from error
    except PadimkitError as error:
        raise BadData(f"{error} Paths in a record count from the folder where its suite was run.") from error


def _drawn(cell: Cell, path: Path) -> Drawn:
    try:
        drawn: Drawn = typed(Drawn, cell.settings[EMBEDDINGS], f"record.cell.settings.{EMBEDDINGS}")
    except TypeError as error:
        raise BadData(f'"{path}" is not a whole record ({error}).') from error
    return drawn


def _without_places(facts: Facts, recorded: Facts) -> Facts:
    """Return the facts without places if the record is older than these."""
    return facts if recorded.places else replace(facts, places={})


def _compared(record: Record) -> str:
    if record.failure is not None:
        return f"The record is of a failed run ({record.failure.cause}): there is nothing to compare."
    if not record.metrics:
        return "The record holds no metrics: there is nothing to compare."
    return f"The metric values are exactly those of the record: {len(record.metrics)} metrics."


def outcome(record: Record) -> str:
    """Return what came of a cell on one line."""
    if record.failure is not None:
        return _failed(record.failure)
    if record.interrupted is not None:
        return f"process {len(record.processes) + 1} {_failed(record.interrupted)}"
    said = [f"{name} {value:.4f}" for name, value in record.metrics.items()]
    said += [f"{name} undefined" for name in record.undefined]
    if (latency := record.seconds.get(LATENCY)) is not None:
        said.append(f"latency {1000 * latency.median:.1f} ms")
    return ", ".join(said) or "measured"


def _failed(failure: Failure) -> str:
    return f'failed ({failure.cause}) in the stage "{failure.stage}": {failure.message}'
