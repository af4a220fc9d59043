"""Networks whose first weights are the same every time."""

from collections.abc import Callable
from typing import TypeVar

import torch

INITIAL_SEED = 0
T = TypeVar("T")


def made_alike(make: Callable[[], T]) -> T:
    """What `make` makes; torch's own random numbers are neither used nor disturbed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(INITIAL_SEED)  # torch.manual_seed would reseed the GPUs too
        return make()
