"""Each cell writes into a working folder of its own, from which it goes on after a failure."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from padimkit.benchmark.cell import Limits
from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.running.process import run_cell, run_together
from padimkit.benchmark.running.runner import adopt_names, failures, remaining, run_suite
from padimkit.benchmark.running.working import working
from padimkit.errors import BadOutput

TRAINED = """
import os
from pathlib import Path
import torch
from padimkit import DensityModel, Scores

class Trained(DensityModel):
    writes = ("checkpoint",)

    def __init__(self, checkpoint: Path, seed: int = 0, epochs: int = 3, keeps: bool = False):
        self.checkpoint, self.seed, self.epochs, self.keeps = checkpoint, seed, epochs, keeps

    def fit(self, stream):
        done = self.checkpoint.read_text().split() if self.checkpoint.exists() else []
        with open(os.environ["TRAINED_TELLS"], "a") as told:
            told.write(f"{self.seed}: {done} ")
        while len(done) < self.epochs:
            self.checkpoint.write_text(" ".join([*done, str(self.seed)]))
            done = self.checkpoint.read_text().split()
            if len(done) == 2 and "POWER_CUT" in os.environ:
                raise RuntimeError("a power cut")
        self.mean = float(done[0])
        self.keeps or self.checkpoint.unlink()

    def score(self, embedding):
        return Scores((embedding.patches * (1 - 2 * self.mean)).sum(1))

    def state_dict(self):
        return {"mean": torch.tensor(self.mean)}

    def load_state_dict(self, state):
        self.mean = float(state["mean"])
"""

POWER_CUT = 'Plugin "trained" (densities) of trained 1.5 failed in fit: RuntimeError: a power cut.'


@pytest.fixture
def trained(install, tmp_path, monkeypatch):
    points = {"trained": "trained_module:Trained"}
    install("trained", points, {"trained_module": TRAINED}, group="padimkit.densities")
    monkeypatch.delitem(sys.modules, "trained_module", raising=False)
    monkeypatch.setenv("TRAINED_TELLS", str(tmp_path / "epochs"))

    def trained(**arguments):
        density = {"class_path": "trained", "init_args": {"checkpoint": "run/checkpoint.txt"} | arguments}
        parts = {"backbone": "pixels", "reducer": "identity", "density": density}
        return [{"name": "trained", "pipeline": parts | {"preprocessing": {"resize": 32, "crop": 28}}}]

    return trained


def run(path, folder, *, retry_failed=False):
    suite = Suite.read(path)
    folder.mkdir(exist_ok=True)
    adopt_names(suite, folder)
    found = list(run_suite(suite, remaining(suite, folder, retry_failed=retry_failed), folder))
    return found, failures(suite, folder)


def test_two_seeds_share_no_checkpoint(suite, trained, tmp_path, in_this_process):
    records, failed = run(suite(pipelines=trained(keeps=True)), tmp_path / "records")
    assert failed == 0
    assert (tmp_path / "epochs").read_text() == "0: [] 1: [] "
    kept = {path.parts[-3]: path.read_text() for path in (tmp_path / "records/work").rglob("*.txt")}
    assert kept == {record.key: " ".join([str(record.cell.seed)] * 3) for record in records}


def test_a_cell_goes_on_from_its_checkpoint_and_is_finished_under_its_key(
    suite, trained, tmp_path, monkeypatch, in_this_process
):
    path, folder = suite(pipelines=trained(), seeds=[7]), tmp_path / "records"
    monkeypatch.setenv("POWER_CUT", "yes")
    (before,), failed = run(path, folder)
    assert (failed, before.failure.message) == (1, POWER_CUT)
    kept = folder / "work" / before.key / "run" / "checkpoint.txt"
    assert kept.read_text() == "7 7"
    monkeypatch.delenv("POWER_CUT")
    (after,), failed = run(path, folder, retry_failed=True)
    assert (failed, after.failure, after.key) == (0, None, before.key)
    assert (tmp_path / "epochs").read_text() == "7: [] 7: ['7', '7'] "
    assert after.cell.settings["pipeline"]["density"]["init_args"]["checkpoint"] == "run/checkpoint.txt"
    assert not (folder / "work").exists()


@pytest.fixture
def cell(suite, trained):
    def cell(checkpoint):
        return Suite.read(suite(pipelines=trained(checkpoint=checkpoint), seeds=[0])).planned[0].cell

    return cell


def test_a_path_that_leads_elsewhere_gets_a_folder_of_the_cell_there(cell, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for given in (f"{tmp_path}/far/c.txt", "../far/c.txt"):
        with working(cell(given), tmp_path / "work" / "key") as placed:
            found = placed.settings["pipeline"]["density"]["init_args"]["checkpoint"]
            assert os.path.normpath(found) == str(tmp_path / "far" / "key" / "c.txt")
            assert Path(found).parent.is_dir()
        assert list((tmp_path / "far").iterdir()) == []
    assert not (tmp_path / "work").exists()


def test_cells_without_records_beside_them_share_no_file_elsewhere(suite, trained, tmp_path, in_this_process):
    """As cells of a cluster do, and those of drawn embeddings."""
    parts = trained(checkpoint=f"{tmp_path}/far/c.txt", keeps=True)
    planned = Suite.read(suite(pipelines=parts)).planned
    for one in planned:
        assert run_cell(one.cell, one.facts, Limits()).failure is None
    assert (tmp_path / "epochs").read_text() == "0: [] 1: [] "
    assert {path.name for path in (tmp_path / "far").iterdir()} == {one.key for one in planned}
    drawn = {"datasets": None, "embeddings": {"images": 4, "channels": 2, "positions": 4}}
    planned = Suite.read(suite(pipelines=parts, measure=["memory"], repeats=1, **drawn)).planned
    for _ in range(2):
        assert not any(one.failure for one in run_together([(p.cell, p.facts) for p in planned], Limits()))
    assert len(list((tmp_path / "far").iterdir())) == 2 + 2 * len(planned)


def test_other_settings_are_left_as_they_are(cell, tmp_path):
    one = cell("c.txt")
    with working(one, tmp_path / "key") as placed:
        density = placed.settings["pipeline"]["density"]["init_args"]
        assert density.pop("checkpoint") == str(tmp_path / "key" / "c.txt")
    without = replace(one, settings=yaml.safe_load(yaml.safe_dump(one.settings)))
    del without.settings["pipeline"]["density"]["init_args"]["checkpoint"]
    assert placed == without


def test_a_folder_that_cannot_be_made_is_told(cell, tmp_path):
    (tmp_path / "key").touch()
    with (
        pytest.raises(BadOutput, match='"[^"]*key/a" cannot be made: '),
        working(cell("a/c.txt"), tmp_path / "key"),
    ):
        raise AssertionError("the block is not reached")
