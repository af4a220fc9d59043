"""The seeds among the settings of a cell."""

from collections.abc import Mapping
from typing import Any

from padimkit.benchmark.cell import Cell


def with_seed(settings: dict[str, Any], seed: int, *, data: bool) -> dict[str, Any]:
    """Return the settings with this seed in all seeded parts of the pipeline, and in the data if asked."""
    parts = ("pipeline", "data") if data else ("pipeline",)
    return settings | {name: _seeded(settings[name], seed) for name in parts} | {"seed": seed}


def without_seeds(value: Any) -> Any:
    """Return settings without the seeds in them, at any depth."""
    if isinstance(value, list):
        return [without_seeds(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: without_seeds(item) for name, item in value.items() if name != "seed"}


def has_seed(cell: Cell) -> bool:
    """Return whether anything in the work of a cell may depend on its seed."""
    settings = cell.settings
    if cell.drawn or "pipeline" not in settings:  # that of a stranger's record may not tell
        return True
    return _has_seed([settings["pipeline"], settings.get("data")])


def _seeded(settings: Any, seed: int) -> Any:
    if isinstance(settings, list):
        return [_seeded(value, seed) for value in settings]
    if not isinstance(settings, dict) or _augments_nothing(settings):
        return settings
    return {name: seed if name == "seed" else _seeded(value, seed) for name, value in settings.items()}


def _has_seed(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_has_seed, value))
    if not isinstance(value, Mapping) or _augments_nothing(value):
        return False
    return "seed" in value or any(map(_has_seed, value.values()))


def _augments_nothing(settings: Mapping[str, Any]) -> bool:
    """Return whether these are of an augmentation without transforms, whose seed matters to nobody."""
    return settings.get("transforms") == []
