"""The state of the machine around the processes that have measured times."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from padimkit.benchmark.times import TimedProcess
from padimkit.report.entries import Entry
from padimkit.report.formatting import quantity
from padimkit.report.tables import ABSENT, Datum, Table

_SHOWN = 5  # cells that a warning names


def disturbances(entries: Iterable[Entry]) -> list[str]:
    """Return a warning that names cells whose times were measured while the machine changed its speed."""
    named = [entry.name for entry in entries if any(one.is_disturbed for one in entry.record.processes)]
    if not named:
        return []
    return [
        "The speed of the machine changed by more than 10 % while times were measured, in each of several "
        f"tries: {shortened(named)}."
    ]


def interruptions(entries: Iterable[Entry]) -> list[str]:
    """Return a warning that names cells of which a further process has failed."""
    named = [
        f"{entry.name} ({len(entry.record.processes)} of {entry.record.cell.processes} processes; "
        f"{failure.cause} in the stage “{failure.stage or 'unknown'}”)"
        for entry in entries
        if (failure := entry.record.interrupted) is not None
    ]
    if not named:
        return []
    return [f"A further process failed, and times are of those before it: {shortened(named)}."]


def shortened(named: Sequence[str]) -> str:
    """Return the first names of cells as text, and the number of the others."""
    more = f"; and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return "; ".join(named[:_SHOWN]) + more


def told(process: TimedProcess) -> str:
    """Return in words how the machine was around a process."""
    before, after = process.before, process.after
    said = [
        f"product {_span(before.product, after.product)}",
        f"memory {_span(before.memory, after.memory)}",
        f"drift {process.drift:.0%}",
    ]
    if before.load is not None and after.load is not None:
        said.append(f"load {before.load:.2f} to {after.load:.2f}")
    if process.stolen is not None:
        said.append(f"stolen {process.stolen:.1%}")
    if before.frequency is not None:
        said.append(f"{before.frequency:.0f} MHz")
    said += [f"{process.tries} tries"] if process.tries > 1 else []
    return ", ".join(said) + (": disturbed" if process.is_disturbed else "")


def machine_table(entries: Iterable[Entry]) -> Table:
    """Return the range of each fact over all processes that have measured times; no rows without any."""
    found = [process for entry in entries for process in entry.record.processes]
    both = [state for process in found for state in (process.before, process.after)]
    shares = [process.stolen for process in found]
    rows: list[tuple[str, Sequence[float | None], Callable[[Any], str]]] = [
        ("fixed matrix product", [state.product for state in both], _seconds),
        ("fixed pass through memory", [state.memory for state in both], _seconds),
        ("change of either during a process", [process.drift for process in found], "{:.0%}".format),
        ("mean load in the minute before", [state.load for state in both], "{:.2f}".format),
        ("time stolen by other virtual machines", shares, "{:.1%}".format),
        ("frequency in MHz", [state.frequency for state in both], "{:.0f}".format),
        ("processes until one was not disturbed", [process.tries for process in found], "{:d}".format),
    ]
    shown = tuple(_row(name, values, text) for name, values, text in rows) if found else ()
    caption = f"The machine around {len(found)} processes that measured times"
    return Table(caption, ("", "least", "median", "most"), shown)


def _row(
    name: str, values: Sequence[float | None], text: Callable[[Any], str]
) -> tuple[Datum, Datum, Datum, Datum]:
    known = sorted(value for value in values if value is not None)
    if not known:
        return Datum(name), ABSENT, ABSENT, ABSENT
    least, middle, most = (Datum(text(known[at])) for at in (0, len(known) // 2, -1))
    return Datum(name), least, middle, most


def _span(before: float, after: float) -> str:
    return f"{_seconds(before)} before, {_seconds(after)} after"


def _seconds(value: float) -> str:
    return quantity(value, "s")
