"""The entry points of all installed distributions as plugins, read anew only when something has changed.

Apart from the registry, which finds plugins among them by name.
"""

import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache, lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeAlias

from padimkit.files.packages import provider
from padimkit.registry.families import FAMILIES
from padimkit.registry.plugin import Plugin

Stamps: TypeAlias = tuple[tuple[str, int], ...]  # paths, and when they were last changed in nanoseconds
_GROUP = rf"padimkit\.({'|'.join(family.plural for family in FAMILIES)})(?:\.v([1-9]\d*))?"


def entries() -> tuple[Plugin, ...]:
    """Return the plugins of all entry points, read anew whenever a distribution comes, goes or changes."""
    places = _stamped(sys.path)
    return _found(places, _stamped(_infos(places)))


def _stamped(paths: Iterable[str]) -> Stamps:
    """Return the paths that there are, and when each was changed; of a folder, when one came or went."""
    found = []
    for path in paths:
        with suppress(OSError):  # none is there, or it may not be looked at, or pip removes it in this moment
            found.append((path, Path(path).stat().st_mtime_ns))
    return tuple(found)


@lru_cache(maxsize=1)
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


@lru_cache(maxsize=1)  # to read them takes as long as to parse a command; a suite asks for each of its cells
def _found(_: Stamps, __: Stamps) -> tuple[Plugin, ...]:
    """Return the plugins of what is installed in these places, by these folders of metadata."""
    known = cache(provider)  # each look at the metadata reads and parses the file anew
    points = entry_points()
    groups = [(group, re.fullmatch(_GROUP, group)) for group in points.groups]
    return tuple(
        Plugin(match[1], entry.name, *known(entry.dist), int(match[2] or 1), entry)
        for group, match in groups
        if match
        for entry in points.select(group=group)
    )
