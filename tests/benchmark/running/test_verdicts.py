"""The verdicts in records beside scores and thresholds computed by hand."""

import json
import shutil
from functools import partial
from math import floor

import numpy as np
import pytest
from PIL import Image

from padimkit import MVTec
from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.running.runner import remaining, run_suite
from padimkit.benchmark.store import paths, read
from padimkit.config.build import instantiate

RATE = 0.4  # of 12 + 1: the 5th highest score is the threshold
COUNT, FOLDS = 12, 3


@pytest.fixture
def mixed(stripes):
    """Two of the images that are called anomalous are like the normal ones, so that some are missed."""
    test = stripes / "stripes" / "test"
    for name in ("000.png", "001.png"):
        shutil.copy(stripes / "stripes" / "train" / "good" / name, test / "spot" / name)
    return MVTec(root=stripes, category="stripes")


@pytest.fixture
def stranger(install):
    """Makes an entry of a suite whose density is a stranger's, which can be fitted and nothing else."""
    install(
        "foreign",
        {"foreign": "foreign_module:Foreign"},
        {
            "foreign_module": """
            import torch
            from padimkit import BadData
            from padimkit.contracts import DensityModel
            from padimkit.values import Scores

            class Foreign(DensityModel):
                def __init__(self, least: int = 1):
                    self.least = least
                def fit(self, stream):
                    patches = torch.cat([embedding.patches for embedding in stream])
                    if len(patches) < self.least:
                        raise BadData(f"It needs {self.least} images.")
                    self.mean = patches.mean(0)
                def score(self, embedding):
                    return Scores((embedding.patches - self.mean).abs().sum(1))
                def state_dict(self):
                    return {"mean": self.mean}
                def load_state_dict(self, state):
                    self.mean = state["mean"]
            """
        },
        group="padimkit.densities",
    )
    parts = {"backbone": "pixels", "reducer": "identity", "preprocessing": {"resize": 32, "crop": 28}}

    def stranger(**arguments):
        density = {"class_path": "foreign", "init_args": arguments}
        return {"name": "foreign", "pipeline": parts | {"density": density}}

    return stranger


@pytest.fixture
def asking(suite):
    """Writes a suite that asks for verdicts, with one cell and a quick metric."""
    return partial(suite, seeds=[0], metrics=["image_auroc"], calibration={})


def run(path, folder):
    suite = Suite.read(path)
    return list(run_suite(suite, remaining(suite, folder, retry_failed=False), folder))


def scores(pipeline, samples):
    return pipeline.predict(samples, progress=False).image_scores.double().numpy()


def left_out(cell, samples, folds):
    """The scores of images by pipelines that were really fitted on all images but those of their fold."""
    found = np.empty(len(samples))
    for fold in range(folds):
        others = [sample for number, sample in enumerate(samples) if number % folds != fold]
        pipeline = instantiate(cell.settings).pipeline.fit(others, progress=False)
        found[fold::folds] = scores(pipeline, samples[fold::folds])
    return found


def require_verdicts(record, data, folds):
    train, test = data.train(), data.test()
    threshold = np.sort(left_out(record.cell, train, folds))[-floor(RATE * (COUNT + 1))]
    pipeline = instantiate(record.cell.settings).pipeline.fit(train, progress=False)
    alarms = scores(pipeline, test) > threshold
    anomalous = np.array([sample.anomalous for sample in test])
    found = record.verdicts
    assert found.threshold == pytest.approx(threshold, rel=1e-3) and found.promised == RATE
    assert (found.normal, found.anomalous) == ((~anomalous).sum(), anomalous.sum()) == (4, 4)
    assert (found.false_alarms, found.misses) == ((alarms & ~anomalous).sum(), (~alarms & anomalous).sum())
    assert record.metrics["false_alarms"] == alarms[~anomalous].mean()
    assert record.metrics["misses"] == (~alarms[anomalous]).mean() > 0


def test_rates_are_those_of_the_threshold_of_images_left_out(asking, mixed, tmp_path, in_this_process):
    arguments = {"false_alarms": RATE, "folds": FOLDS}
    (record,) = run(asking(calibration=arguments), tmp_path / "records")
    require_verdicts(record, mixed, COUNT)  # a Gaussian leaves them out one by one
    assert record.lower_is_better == ("false_alarms", "misses")
    assert list(record.metrics) == ["image_auroc", "false_alarms", "misses"]


def test_rates_of_a_strangers_density_are_those_of_folds(asking, stranger, mixed, tmp_path, in_this_process):
    arguments = {"false_alarms": RATE, "folds": FOLDS}
    (record,) = run(asking(pipelines=[stranger()], calibration=arguments), tmp_path / "records")
    require_verdicts(record, mixed, FOLDS)


def test_test_images_do_not_set_the_threshold(asking, stripes, tmp_path, in_this_process):
    path = asking()
    (before,) = run(path, tmp_path / "before")
    for picture in (stripes / "stripes" / "test").rglob("*.png"):
        Image.fromarray(255 - np.asarray(Image.open(picture))).save(picture)
    (after,) = run(path, tmp_path / "after")
    assert before.metrics["false_alarms"] < after.metrics["false_alarms"] == 1
    assert after.verdicts.threshold == before.verdicts.threshold


def test_the_time_of_the_calibration_is_one_of_its_own(asking, tmp_path, in_this_process):
    path = asking(measure=["quality", "time"], repeats=2)
    (record,) = run(path, tmp_path / "records")
    assert record.seconds["calibration"].count == record.seconds["fit"].count == 2
    names = {"read", "reducer fit", "density fit", "backbone", "embedding", "score", "map", "metrics"}
    sizes = {f"{name} {size}" for name in ("predict", "score") for size in (1, 8)}
    others = {"fit", "calibration", "prepare", "first predict 1", "latency"}
    assert record.seconds.keys() == names | sizes | others


def test_a_calibrated_cell_is_not_run_again_and_gives_the_same_if_it_is(asking, tmp_path, in_this_process):
    path, folder = asking(), tmp_path / "records"
    (first,) = run(path, folder)
    assert run(path, folder) == []
    (again,) = run(path, tmp_path / "again")
    assert (first.metrics, first.verdicts) == (again.metrics, again.verdicts)


def test_records_of_before_are_read(asking, tmp_path, in_this_process):
    folder = tmp_path / "records"
    run(asking(calibration=None), folder)
    (path,) = paths(folder)
    found, content = read(path), json.loads(path.read_text())
    assert content.pop("verdicts") is None and content["cell"].pop("calibration") is None
    path.write_text(json.dumps(content))
    assert read(path) == found


def test_a_pipeline_that_cannot_leave_one_out_is_a_failure_that_says_so(asking, tmp_path, in_this_process):
    (record,) = run(asking(train_images=2, calibration={"folds": 2}), tmp_path / "records")
    assert record.failure.message == (
        "BadData: The pipeline is fitted, but cannot be calibrated: To leave one image out, a Gaussian needs "
        'at least 3, found 2. Leave it out, or "calibration".'
    )
    assert record.metrics == {} and record.verdicts is None


def test_a_pipeline_that_cannot_do_without_a_fold_is_a_failure_that_says_so(
    asking, stranger, tmp_path, in_this_process
):
    (record,) = run(asking(pipelines=[stranger(least=12)]), tmp_path / "records")
    assert "cannot be calibrated: It needs 12 images. Leave it out" in record.failure.message
    assert record.failure.stage == "density fit"


def test_without_normal_test_images_false_alarms_are_undefined(asking, stripes, tmp_path, in_this_process):
    shutil.rmtree(stripes / "stripes" / "test" / "good")
    (record,) = run(asking(), tmp_path / "records")
    assert record.undefined["false_alarms"] == "false_alarms needs normal images, and there are none."
    assert "misses" in record.metrics and record.verdicts.normal == 0
