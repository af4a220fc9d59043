"""The cells of a suite that share images and features, in groups.

It stands alone because it reads settings only: a run that shares nothing needs no group.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from padimkit.benchmark.cell import Planned
from padimkit.config.names import is_dotted
from padimkit.errors import PadimkitError
from padimkit.registry.registry import Registry


def group_of(planned: Planned) -> str | None:
    """Return the name of the group of a cell; None for one that computes all on its own.

    Cells share where the data, the preprocessing and the backbone are the same, but for its layers. Where
    time or memory is measured, all of it is to be measured.
    """
    cell = planned.cell
    if tuple(cell.measure) != ("quality",):
        return None
    pipeline = cell.settings["pipeline"]
    deciding = [
        planned.facts.fingerprint,
        {name: cell.settings[name] for name in ("data", "device", "batch_size")},
        pipeline.get("preprocessing"),
        _without_choice(pipeline["backbone"]),
    ]
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:24]


def _without_choice(backbone: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a backbone without the arguments that choose among its layers."""
    name, arguments = str(backbone["class_path"]), backbone.get("init_args") or {}
    chosen: set[str] = set()
    if not is_dotted(name):
        with suppress(PadimkitError):
            chosen = set(Registry("backbones").find(name).load().selects)
    return {"class_path": name, "init_args": {k: v for k, v in arguments.items() if k not in chosen}}
