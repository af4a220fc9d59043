import os
import sys

import pytest
import yaml
from distributions import install_into

from padimkit.benchmark.running import rounds
from padimkit.benchmark.times import Conditions

PIXELS = {
    "backbone": "pixels",
    "reducer": {"class_path": "random_channels", "init_args": {"keep": 2}},
    "density": "gaussian",
    "map": {"sigma": 1.0},
    "preprocessing": {"resize": 32, "crop": 28},
}


@pytest.fixture
def suite(stripes, tmp_path):
    """Writes a suite on a small data set; values replace those of the file, None removes a key."""

    def suite(**changes):
        content = {
            "name": "small",
            "pipelines": [{"name": "mine", "pipeline": PIXELS}],
            "datasets": [
                {"class_path": "mvtec", "init_args": {"root": str(stripes)}, "categories": ["stripes"]}
            ],
            "seeds": [0, 1],
            "threads": 1,
        } | changes
        path = tmp_path / "suite.yaml"
        given = {key: value for key, value in content.items() if value is not None}
        path.write_text(yaml.safe_dump(given, sort_keys=False))
        return path

    return suite


IDLE = """
import sys, time
from types import ModuleType

def execute(cell, entered, shelf, folder):
    entered("density fit")
    time.sleep(0.3)
    return {"metrics": {"image_auroc": 1.0}}

execution = ModuleType("padimkit.benchmark.running.execution")
execution.execute = execute
execution.preload = lambda _: None
sys.modules[execution.__name__] = execution
"""


@pytest.fixture
def idle_cells(tmp_path, monkeypatch):
    """Cells run in processes of their own, but do nothing there, where a test is about these processes.

    They start in a tenth of the time, since they import no torch; test_process.py has cells that work. The
    machine is taken for a quiet one, or what it has to do beside would decide how often a cell is timed.
    """
    (tmp_path / "idle").mkdir()
    (tmp_path / "idle" / "sitecustomize.py").write_text(IDLE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "idle"), prepend=os.pathsep)
    monkeypatch.setattr(rounds, "conditions", lambda _: Conditions(1.0, 1.0))


BREAKER = """
import os, signal, time
from pathlib import Path
import torch
from padimkit.contracts import DensityModel
from padimkit.values import Scores

class Breaker(DensityModel):
    def __init__(self, how: str = "well"):
        self.how = how
    def fit(self, stream):
        for embedding in stream:
            self.mean = embedding.patches.mean(0)
        if self.how == "raises":
            raise RuntimeError("out of luck")
        if self.how == "sleeps":
            Path(__file__).with_suffix(".asleep").touch()
            time.sleep(600)
        if self.how == "kills":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "exits":
            os._exit(3)
        if self.how == "eats":
            self.food = [torch.ones(25_000_000) for _ in range(20)]
            time.sleep(600)
    def score(self, embedding):
        return Scores((embedding.patches - self.mean).abs().sum(1))
    def state_dict(self):
        return {"mean": self.mean}
    def load_state_dict(self, state):
        self.mean = state["mean"]
"""


@pytest.fixture(scope="session")
def site_of_breaker(tmp_path_factory):
    """One folder for all tests: cells that share their environment are forked from the same server."""
    site = tmp_path_factory.mktemp("breaker")
    points = {"breaker": "breaker_module:Breaker"}
    install_into(site, "breaker", points, {"breaker_module": BREAKER}, group="padimkit.densities")
    return site


@pytest.fixture
def broken(site_of_breaker, monkeypatch):
    """A plugin whose densities end in many ways; other processes find it too."""
    monkeypatch.delitem(sys.modules, "breaker_module", raising=False)
    monkeypatch.syspath_prepend(str(site_of_breaker))
    monkeypatch.setenv("PYTHONPATH", str(site_of_breaker), prepend=os.pathsep)

    def broken(how):
        density = {"class_path": "breaker", "init_args": {"how": how}}
        return {"name": how, "pipeline": PIXELS | {"reducer": "identity", "density": density}}

    return broken
