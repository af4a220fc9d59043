"""The arguments of parts, and what is checked of them and of stored states.

Plugins may import the names here, and `padimkit.arguments.stored_state`, which imports torch.
"""

from padimkit.arguments.parts import (
    alike,
    arguments,
    require_alike,
    require_between,
    require_budget,
    require_choice,
    require_kind,
    require_seed,
    require_whole,
    shown,
)

__all__ = [
    "alike",
    "arguments",
    "require_alike",
    "require_between",
    "require_budget",
    "require_choice",
    "require_kind",
    "require_seed",
    "require_whole",
    "shown",
]
