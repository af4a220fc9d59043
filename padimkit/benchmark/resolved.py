"""What the resolved settings of a record say, in the words of a reader."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def part(settings: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The mapping under these names, one in the other; empty where there is none."""
    found: Any = settings
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def resolution(settings: Mapping[str, Any]) -> str:
    """The sides of resize and crop."""
    sides = part(settings, "pipeline", "preprocessing")
    if not sides:
        return "resolution unknown"
    return f"{sides.get('resize')} px, centre {sides.get('crop')} px"


def folder(settings: Mapping[str, Any]) -> str:
    """The name of the folder that the data lie in; empty where they are in none."""
    return Path(str(part(settings, "data", "init_args").get("root", ""))).name
