"""Random test sets: two that stay, and two that are new in each run and whose seed a failure shows."""

import secrets

import numpy as np
import pytest


@pytest.fixture(params=[0, 1, "fresh", "fresh too"])
def random(request: pytest.FixtureRequest) -> np.random.Generator:
    seed = secrets.randbits(32) if isinstance(request.param, str) else request.param
    print(f"seed {seed}")
    return np.random.default_rng(seed)
