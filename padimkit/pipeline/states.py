"""States within states: tensors by names, of which a prefix says whose they are.

It stands apart since what measures a fitted pipeline looks into its state by the same names.
"""

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor

State: TypeAlias = dict[str, Tensor]


def below(prefix: str, state: Mapping[str, Tensor]) -> State:
    """Return the state with `prefix/` before each key."""
    return {f"{prefix}/{key}": value for key, value in state.items()}


def under(prefix: str, state: Mapping[str, Tensor]) -> State:
    """Return the part of the state below this prefix, without the prefix."""
    return {
        key.removeprefix(f"{prefix}/"): value for key, value in state.items() if key.startswith(f"{prefix}/")
    }


def same(own: State, other: State) -> bool:
    """Return whether two states have the same names and values."""
    return own.keys() == other.keys() and all(torch.equal(own[key], other[key]) for key in own)
