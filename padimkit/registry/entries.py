"""The entry points of all installed distributions as plugins, made anew only when something has changed.

Apart from the registry, which finds plugins among them by name.
"""

import re
from functools import lru_cache

from padimkit.files.entry_points import EntryPoints, entry_points
from padimkit.registry.families import FAMILIES
from padimkit.registry.plugin import Plugin

_GROUP = rf"padimkit\.({'|'.join(family.plural for family in FAMILIES)})(?:\.v([1-9]\d*))?"


def entries() -> tuple[Plugin, ...]:
    """Return the plugins of all entry points, made anew whenever a distribution comes, goes or changes."""
    return _made(entry_points())


@lru_cache(maxsize=2)
def _made(points: EntryPoints) -> tuple[Plugin, ...]:
    groups = [(re.fullmatch(_GROUP, group), found) for group, found in points.groups.items()]
    return tuple(
        Plugin(match[1], entry.point.name, entry.distribution, entry.version, int(match[2] or 1), entry.point)
        for match, found in groups
        if match
        for entry in found
    )
