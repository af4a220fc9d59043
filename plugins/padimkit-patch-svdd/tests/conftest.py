"""Shapes in signatures are checked at run time here, and only here; each test has a fixed seed of its own."""

import zlib

import pytest
import torch
from jaxtyping import install_import_hook

install_import_hook("padimkit_patch_svdd", "beartype.beartype")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The test's own, on every machine."""
    return zlib.crc32(request.node.nodeid.encode())


@pytest.fixture
def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small are slower on several."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
