"""The random generators that all of a program shares, which no part may draw from."""

import pickle
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def fixed_random_state() -> Iterator[None]:
    """The same global random state in every run, put back as it was at the end."""
    with torch.random.fork_rng(devices=[]):
        of_numpy, of_python = np.random.get_state(), random.getstate()
        torch.default_generator.manual_seed(0)  # torch.manual_seed would reseed the GPUs too
        np.random.seed(0)
        random.seed(0)
        try:
            yield
        finally:
            np.random.set_state(of_numpy)
            random.setstate(of_python)


def global_random_state() -> dict[str, bytes]:
    """The state of each shared generator, by the name of its library."""
    states = {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": pickle.dumps(np.random.get_state()),
    }
    if "beartype" not in sys.modules:  # it draws from Python's generator to choose which items it checks
        states["random"] = pickle.dumps(random.getstate())
    return states
