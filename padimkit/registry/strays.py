"""Entry points that padimkit does not read, since the name of their group is misspelt or unknown.

Apart from the registry, which takes no notice of them: only the list of plugins tells of them.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points

from padimkit.errors import did_you_mean
from padimkit.files.entry_points import provider
from padimkit.registry.families import FAMILIES
from padimkit.registry.recipes import GROUP as RECIPES

_KNOWN = (
    *(f"padimkit.{family.plural}" for family in FAMILIES),
    RECIPES,
    "padimkit.weights",
    "padimkit.trackers",
)
_CLOSE = 0.85  # of get_close_matches: "padimkt.densities" is, "pytest11" is not


@dataclass(frozen=True)
class Stray:
    """An entry point in a group that means nothing, and the fault in words."""

    group: str
    name: str
    distribution: str
    version: str
    fault: str


def strays() -> list[Stray]:
    """Return the entry points of all distributions in groups that look like ours and are not, by group."""
    entries = entry_points()
    found = [
        Stray(group, entry.name, *provider(entry.dist), _fault(group))
        for group in sorted(entries.groups)
        if _is_meant_for_us(group)
        for entry in entries.select(group=group)
    ]
    return sorted(found, key=lambda stray: (stray.group, stray.name, stray.distribution))


def _is_meant_for_us(group: str) -> bool:
    if _unversioned(group) in _KNOWN:
        return False
    return group.lower().split(".")[0] == "padimkit" or bool(get_close_matches(group, _KNOWN, cutoff=_CLOSE))


def _unversioned(group: str) -> str:
    """Return the group without the version of the contracts that families may have."""
    return re.sub(r"\.v[1-9]\d*$", "", group)


def _fault(group: str) -> str:
    return f'broken: There is no group "{group}" of entry points.{did_you_mean(_unversioned(group), _KNOWN)}'
