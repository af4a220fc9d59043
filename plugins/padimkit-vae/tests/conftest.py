"""Shapes in signatures are checked at run time here, and only here; each run draws fresh random inputs."""

import secrets

import pytest
import torch
from jaxtyping import install_import_hook

install_import_hook("padimkit_vae", "beartype.beartype")


@pytest.fixture
def generator() -> torch.Generator:
    """Another seed in each run; pytest shows it when the test fails."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    return torch.Generator().manual_seed(seed)


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small are slower on several."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
