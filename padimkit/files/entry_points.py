"""The entry points of all installed distributions, read anew only when something has changed.

Apart from the packages that they name, which change in place.
"""

import importlib.metadata
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import TypeAlias, final

Stamps: TypeAlias = tuple[tuple[str, int], ...]  # paths, and when they were last changed in nanoseconds


@dataclass(frozen=True)
class Entry:
    """An entry point, and the distribution that has it, in its own spelling and with its version."""

    point: EntryPoint
    distribution: str
    version: str


@final
@dataclass(
    frozen=True, eq=False
)  # the same only while nothing changes: what is made of it may be kept till then
class EntryPoints:
    """All entry points of the groups that name padimkit, by group."""

    groups: Mapping[str, tuple[Entry, ...]]


def entry_points() -> EntryPoints:
    """Return the entry points, read anew whenever a distribution comes, goes or changes."""
    places = _stamped(sys.path)
    return _read(places, _stamped(_infos(places)))


_kept = lru_cache(maxsize=256)(Path)  # to make one takes as long as to look at the file


def _stamped(paths: Iterable[str]) -> Stamps:
    """Return the paths that there are, and when each was changed; of a folder, when one came or went."""
    found = []
    for path in paths:
        with suppress(OSError):  # none is there, or it may not be looked at, or pip removes it in this moment
            found.append((path, _kept(path).stat().st_mtime_ns))
    return tuple(found)


@lru_cache(maxsize=2)
def _infos(places: Stamps) -> tuple[str, ...]:
    """Return the folders of metadata there that may change in place: with groups of ours, or unfinished.

    To look at all of them each time takes four times as long.
    """
    infos = [
        info for place, _ in places for kind in ("dist", "egg") for info in Path(place).glob(f"*.{kind}-info")
    ]
    return tuple(str(info) for info in infos if not (info / "RECORD").exists() or _names_ours(info))


def _names_ours(info: Path) -> bool:
    with suppress(OSError):
        return b"padimk" in (info / "entry_points.txt").read_bytes()
    return False


@lru_cache(maxsize=2)  # to read them takes as long as to parse a command; two, for a folder added for a while
def _read(_: Stamps, __: Stamps) -> EntryPoints:
    """Return what is installed in these places, by these folders of metadata."""
    known = cache(provider)  # each look at the metadata reads and parses the file anew
    points = importlib.metadata.entry_points()
    ours = [group for group in points.groups if group.startswith("padimkit.")]
    return EntryPoints(
        {group: tuple(Entry(p, *known(p.dist)) for p in points.select(group=group)) for group in ours}
    )


def provider(distribution: Distribution | None) -> tuple[str, str]:
    """Return name and version, as far as the distribution says them."""
    if distribution is None:
        return "unknown", "unknown"
    metadata = distribution.metadata
    return metadata["Name"] or "unknown", metadata["Version"] or "unknown"
