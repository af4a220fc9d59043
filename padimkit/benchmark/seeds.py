"""The seeds among the settings of a cell.

Apart from planning, since reports leave them out too.
"""

from collections.abc import Mapping
from typing import Any


def with_seed(settings: dict[str, Any], seed: int, *, data: bool) -> dict[str, Any]:
    """Return the settings with this seed in all seeded parts of the pipeline, and in the data if asked."""
    parts = ("pipeline", "data") if data else ("pipeline",)
    return settings | {name: _seeded(settings[name], seed) for name in parts} | {"seed": seed}


def depends_on_seed(settings: dict[str, Any], *, data: bool) -> bool:
    """Return whether another seed changes the pipeline, or the data if asked."""
    first, second = (with_seed(settings, seed, data=data) for seed in (0, 1))
    changed: bool = first["pipeline"] != second["pipeline"] or first["data"] != second["data"]
    return changed


def without_seeds(value: Any) -> Any:
    """Return settings without the seeds in them, at any depth."""
    if isinstance(value, list):
        return [without_seeds(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: without_seeds(item) for name, item in value.items() if name != "seed"}


def _seeded(settings: Any, seed: int) -> Any:
    if isinstance(settings, list):
        return [_seeded(value, seed) for value in settings]
    if not isinstance(settings, dict) or settings.get("transforms") == []:
        return settings  # augments nothing, whatever the seed
    return {name: seed if name == "seed" else _seeded(value, seed) for name, value in settings.items()}
