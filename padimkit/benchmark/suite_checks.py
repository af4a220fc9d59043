"""What the values in the file of a suite must be like."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from padimkit.benchmark.suite_file import SuiteFile
from padimkit.errors import BadArgument, BadConfig

_SEEDS = 2**32  # what all libraries take


def check_suite(file: SuiteFile) -> None:
    """Raises BadArgument where a value of the file is out of range."""
    for key in ("seeds", "measure"):
        values = getattr(file, key)
        if not values or len(set(values)) < len(values):
            raise BadArgument(f'"{key}" must be a list of different values, found {values}.')
    if not re.fullmatch(r"\w[\w. -]{0,99}", file.name):  # it names a folder
        raise BadArgument(f'Expected a "name" of at most 100 letters, digits, ".-_", got "{file.name}".')
    if file.repeats < 1:
        raise BadArgument(f'Expected "repeats" of at least 1, got {file.repeats}.')
    for key in ("timeout", "memory_limit", "threads"):
        value = getattr(file, key)
        if value is not None and not value > 0:
            raise BadArgument(f'Expected "{key}" above 0, got {value}.')
    if file.engine.jobs < -1 or file.engine.jobs == 0:
        raise BadArgument(f'Expected "engine.jobs" of at least 1, or -1, got {file.engine.jobs}.')
    if not all(0 <= seed < _SEEDS for seed in file.seeds):
        raise BadArgument(f'Expected "seeds" from 0 to 2^32 - 1, found {file.seeds}.')
    _check_sizes(file.vary, file.train_images)
    for method in file.pipelines:
        _check_sizes(method.vary, method.train_images)


def require_weights(settings: dict[str, Any], name: str) -> None:
    """Raises BadConfig where the file of a method's weights does not exist."""
    weights = settings["pipeline"]["backbone"].get("init_args", {}).get("weights")
    if isinstance(weights, str) and weights not in ("hub", "none") and not Path(weights).is_file():
        raise BadConfig(
            f'The weights of "{name}", "{weights}", do not exist. Name another file, or put it into '
            '"if_present" to leave the method out.'
        )


def _check_sizes(vary: Mapping[str, Sequence[float]], train_images: int | None) -> None:
    for key, values in vary.items():
        if len(set(values)) < 3 or not all(map(math.isfinite, values)):
            raise BadArgument(f'"vary.{key}" needs at least 3 different values, found {values}.')
    for count in (*vary.get("train_images", ()), *(() if train_images is None else (train_images,))):
        if count < 1 or count != int(count):
            raise BadArgument(f'Expected whole numbers of at least 1 as "train_images", got {count:g}.')
