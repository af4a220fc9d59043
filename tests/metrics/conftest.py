"""Random test sets: four for each test."""

import numpy as np
import pytest


@pytest.fixture(params=range(4))
def random(request: pytest.FixtureRequest, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, request.param])
