"""Shapes in signatures are checked at run time here, and only here; each test has a fixed seed of its own.

`make fuzz` gives fresh seeds, many to each test that draws: see tests/helpers/fuzz.py.
"""

import gc
import logging
import os
import random as python
import shutil
import zlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np
import pytest
import torch
from campus import Campus, write_campus
from distributions import install_into
from PIL import Image
from playwright.sync_api import sync_playwright
from shapes import check_shapes_of, count_anew

ROOT = Path(__file__).resolve().parents[1]

os.fsync = os.fstat  # no test cuts the power, and each wait for the disk takes milliseconds
gc.disable()  # until all tests are collected: what modules define stays, and is looked through for nothing

check_shapes_of(ROOT / "padimkit")

SHARED = ROOT.parent / "shared"
LONG = (
    "tests/test_docs.py",
    "tests/test_strangers.py",
    "tests/test_reference.py",
    "tests/cli/plugins/test_new.py",
    "tests/benchmark/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the long tests: one of them at the end would keep one process busy, and the other idle."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Let the collector of garbage pass over all that stays to the end anyway: modules and tests.

    Loggers that tell the root nothing each get handlers from pytest, six times in each test: torch has many.
    """
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.propagate = True
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)  # the usual 700 take a thirtieth of the suite's time
    gc.enable()


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The test's own, on every machine."""
    return zlib.crc32(request.node.nodeid.encode())


@pytest.fixture(scope="session")
def common_seed() -> int:
    """That of what several tests share."""
    return 0


@pytest.fixture
def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(autouse=True)
def shared_state() -> None:
    """No test depends on which others have drawn before it in the same process, or on what beartype draws."""
    count_anew()
    python.seed(0)
    np.random.seed(0)
    torch.default_generator.manual_seed(0)  # torch.manual_seed keeps a trace of each call for the GPUs


@pytest.fixture
def shared() -> Path:
    """Real images and weights, which may not be redistributed and so are beside the checkout, if at all."""
    if not SHARED.is_dir():
        pytest.skip("the folder shared/ with real images and weights is not beside this checkout")
    return SHARED


def _stripes(random, *, defect):
    """A small grey picture of stripes, with a bright square where it is defective, and its mask."""
    pixels = 128 + 40 * np.sin(np.arange(48) / 3)[None, :] + random.normal(0, 6, (48, 48))
    mask = np.zeros((48, 48), np.uint8)
    if defect:
        top, left = random.integers(14, 26, 2)
        mask[top : top + 8, left : left + 8] = 255
        pixels[mask > 0] = 250
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), Image.fromarray(mask)


@pytest.fixture(scope="session")
def common(tmp_path_factory) -> Path:
    """A folder that all processes of this run have, for what takes long to make, under a lock."""
    own: Path = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def drawn_stripes(tmp_path_factory) -> Path:
    """The root of a small data set in the MVTec layout with the category "stripes", to be left as it is."""
    random = np.random.default_rng(7)
    category = tmp_path_factory.mktemp("drawn") / "stripes"
    for folder, count, defect in (("train/good", 12, False), ("test/good", 4, False), ("test/spot", 4, True)):
        (category / folder).mkdir(parents=True)
        (category / "ground_truth" / "spot").mkdir(parents=True, exist_ok=True)
        for index in range(count):
            picture, mask = _stripes(random, defect=defect)
            picture.save(category / folder / f"{index:03}.png")
            if defect:
                mask.save(category / "ground_truth" / "spot" / f"{index:03}_mask.png")
    return category.parent


@pytest.fixture
def stripes(drawn_stripes, tmp_path) -> Path:
    """A copy of it to change."""
    return shutil.copytree(drawn_stripes, tmp_path / "data", copy_function=shutil.copyfile)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a distribution with entry points on the path, as pip would."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return partial(install_into, tmp_path)


@pytest.fixture
def in_this_process(monkeypatch):
    """Cells run here, one at a time, where a test is about what becomes of their records.

    A process of its own for each takes ten times as long: test_process.py and others have these. The machine
    is taken for a quiet one, or what it has to do beside would decide how often a cell is timed.
    """
    from padimkit.benchmark.running import process, rounds, worker
    from padimkit.benchmark.times import Conditions

    lock = Lock()

    class Finished:
        """In place of a process: its work is done before it is made."""

        pid = 0

        def __init__(self, files, stderr, environment):
            with lock:
                worker.run(*files)

        def wait(self, timeout=None):
            return 0

        def kill(self):
            pass

    monkeypatch.setattr(process, "start", Finished)
    monkeypatch.setattr(rounds, "conditions", lambda _: Conditions(1.0, 1.0))
    gc.freeze()  # each cell collects garbage, and would look through all that has been imported meanwhile


@pytest.fixture(scope="session")
def drawn_campus(tmp_path_factory) -> Campus:
    """A small ShanghaiTech, for tests that leave it as it is; only where its anomalies are is drawn."""
    return write_campus(tmp_path_factory.mktemp("drawn") / "campus", np.random.default_rng(0))


@pytest.fixture
def campus(drawn_campus, tmp_path) -> Campus:
    """A copy of it to change."""
    root = shutil.copytree(drawn_campus.root, tmp_path / "campus")
    return replace(drawn_campus, root=root)


@pytest.fixture(scope="module")
def browser():
    """A real browser, for the tests of one module."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: the page was not tried in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()
