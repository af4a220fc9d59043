"""Trackers by name, and what they are told of each record.

It stands apart from the runner, whose records are the same without them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from padimkit.benchmark.columns import column_of
from padimkit.benchmark.record import Record
from padimkit.benchmark.running.rounds import lacks_processes
from padimkit.benchmark.tracker import TrackedRun, Tracker
from padimkit.errors import AmbiguousPlugin, BadArgument, BrokenPlugin, did_you_mean
from padimkit.files.entry_points import entry_points
from padimkit.files.packages import canonical
from padimkit.registry.modules import prints_set_aside
from padimkit.registry.plugin import missing_methods

GROUP = "padimkit.trackers"  # of entry points, each of which names a class
_OWN = "padimkit"  # the distribution whose trackers keep their names
_EXTRAS = {"mlflow": "mlflow"}  # that our own need


def made_tracker(given: str) -> Tracker:
    """Return the tracker of `NAME` or `NAME=PLACE`, where the name may be `distribution:name`.

    Raises:
        AmbiguousPlugin: Several distributions other than padimkit provide it.
        BadArgument: There is none of this name, its package is not installed, or it refuses the place.
        BrokenPlugin: It cannot be imported, is no tracker, or lacks a method.
    """
    name, _, place = given.partition("=")
    entry = _entry(name)
    try:
        with prints_set_aside():
            found = entry.load()
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything
        if name in _EXTRAS and isinstance(error, ImportError):
            hint = f"pip install 'padimkit[{_EXTRAS[name]}]'"
            raise BadArgument(
                f'The tracker "{name}" needs a package ({error}). Install it with: {hint}'
            ) from error
        said = f"{type(error).__name__}: {error}".rstrip(": .")
        raise BrokenPlugin(f'The tracker "{name}" cannot be imported: {said}.') from error
    if not (isinstance(found, type) and issubclass(found, Tracker)):
        raise BrokenPlugin(f'The tracker "{name}" is {found!r}; expected a subclass of padimkit.Tracker.')
    if lacking := missing_methods(found):
        raise BrokenPlugin(f'The tracker "{name}", {entry.value}, {lacking}.')
    try:
        return found(place)
    except Exception as error:  # whatever a client raises
        raise BadArgument(f'The tracker "{name}" cannot be used with "{place}": {error}') from error


def _entry(name: str) -> EntryPoint:
    """Return the entry point of a name as other families have it: padimkit's own keep their names."""
    entries = entry_points().groups.get(GROUP, ())
    known = {f"{entry.distribution}:{entry.point.name}": entry.point for entry in entries}
    own = {full: entry for full, entry in known.items() if full == f"{_OWN}:{name}"}
    distribution, _, short = name.rpartition(":")
    found = own or {
        full: entry
        for full, entry in known.items()
        if entry.name == short and canonical(distribution) in ("", canonical(full.rpartition(":")[0]))
    }
    if len(found) > 1:
        choices = " or ".join(f'"{full}"' for full in sorted(found))
        raise AmbiguousPlugin(f'"{name}" is a tracker of several distributions. Use {choices}.')
    for entry in found.values():
        return entry
    names = [*(entry.name for entry in known.values()), *known]
    raise BadArgument(f'There is no tracker "{name}".{did_you_mean(name, names)}')


def tracked(
    records: Iterable[Record], folder: Path, tracker: Tracker, tell: Callable[[str], None]
) -> Iterator[Record]:
    """Yield records that have been written to a folder, after the tracker was told of each that is whole.

    What goes wrong in it is told, and ends nothing.
    """
    for record in records:
        try:
            if record.interrupted is not None or not lacks_processes(record.cell, record):
                _follow(record, folder / f"{record.key}.json", tracker)
        except Exception as error:  # a server may be gone, and the records are there
            tell(f"{type(tracker).__name__} failed for {record.cell.title}: {error}")
        yield record


def _follow(record: Record, file: Path, tracker: Tracker) -> None:
    tracker.begin(run_of(record))
    tracker.log(values_of(record))
    tracker.keep(file)
    tracker.end("" if record.failure is None else record.failure.message)


def run_of(record: Record) -> TrackedRun:
    """Return the run of a record."""
    cell, begun = record.cell, datetime.fromisoformat(record.begun)
    labels = {name: str(getattr(cell, name)) for name in ("method", "dataset", "category", "seed")}
    return TrackedRun(
        key=record.key,
        suite=cell.suite,
        name=cell.title,
        labels=labels | {f"version of {name}": version for name, version in cell.versions.items()},
        settings=dict(_flat(cell.settings, "")),
        begun=begun,
        ended=begun + timedelta(seconds=record.took),
    )


def values_of(record: Record) -> dict[str, float]:
    """Return the metric values by name, median seconds as "NAME seconds" and sizes as "NAME bytes"."""
    seconds = {f"{name} seconds": spread.median for name, spread in record.seconds.items()}
    metrics = {column_of(name): value for name, value in record.metrics.items()}
    return metrics | seconds | {f"{name} bytes": float(size) for name, size in record.bytes.items()}


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{name}.{number}")
    else:
        yield name, str(value)
