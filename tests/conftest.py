"""Shapes in signatures are checked at run time here, and only here; each run draws fresh random inputs."""

import secrets
from pathlib import Path

import pytest
import torch
from jaxtyping import install_import_hook

install_import_hook("padimkit", "beartype.beartype")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def generator() -> torch.Generator:
    """Another seed in each run; pytest shows it when the test fails."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def shared() -> Path:
    """Real images and weights, which may not be redistributed and so are beside the checkout, if at all."""
    if not SHARED.is_dir():
        pytest.skip("the folder shared/ with real images and weights is not beside this checkout")
    return SHARED
