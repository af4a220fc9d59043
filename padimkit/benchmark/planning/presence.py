"""The entries of a suite that are run, and those that are left out, by files that are present or missing.

It stands alone because it asks the disk, and knows nothing of what entries hold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

from padimkit.benchmark.planning.entries import Data, Method
from padimkit.errors import BadConfig

Entry = TypeVar("Entry", Method, Data)


@dataclass(frozen=True)
class LeftOut:
    """An entry of the file that is not run, and why."""

    name: str
    reason: str


def present(
    entries: Sequence[Entry], name: Callable[[Entry], str]
) -> tuple[list[Entry], tuple[LeftOut, ...]]:
    """Return the entries whose files are present, and those left out.

    Entries marked `otherwise` count only if no other entry is left.
    """
    left_out = [LeftOut(name(e), reason) for e in entries if (reason := _reason(e))]
    there = [entry for entry in entries if not _reason(entry)]
    first = [entry for entry in there if not entry.otherwise]
    left_out += [
        LeftOut(name(e), "there is other data or another method") for e in there if first and e.otherwise
    ]
    if not there:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in left_out)
        raise BadConfig(f"Nothing is left to run. {reasons}.")
    return first or there, tuple(left_out)


def _reason(entry: Method | Data) -> str:
    """Return the reason for which an entry is left out, by files that are missing or present; else empty."""
    missing = (f'"{path}" is missing' for path in entry.if_present if not Path(path).exists())
    there = (f'"{path}" is there' for path in entry.unless_present if Path(path).exists())
    return next(chain(missing, there), "")
