import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.decomposition import PCA as ScikitPCA
from sklearn.metrics import roc_auc_score

from padimkit.backbones.pixels import Pixels
from padimkit.benchmark.cell import Limits
from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.record import unpacked
from padimkit.benchmark.running import process
from padimkit.benchmark.running.memory import sizes_of
from padimkit.benchmark.running.predictions import predicted_of_images
from padimkit.benchmark.running.process import run_cell
from padimkit.cli import repetition
from padimkit.config.build import instantiate
from padimkit.densities.gaussian import Gaussian
from padimkit.images.preprocessing import Preprocessing
from padimkit.pipeline.pipeline import Pipeline
from padimkit.reducers.identity import Identity
from padimkit.reducers.pca import PCA
from padimkit.reducers.scikit_learn import ScikitLearn
from padimkit.values import Problem


@pytest.fixture
def outcome(suite):
    """The record of the only cell of a suite with one pipeline."""

    def outcome(pipeline, limits=Limits(threads=1), **changes):  # noqa: B008
        (planned,) = Suite.read(suite(pipelines=[pipeline], seeds=[0], **changes), trust=True).planned
        return run_cell(planned.cell, planned.facts, limits)

    return outcome


def test_a_plugin_of_a_stranger_runs_and_is_named(outcome, broken):
    record = outcome(broken("well"))
    assert record.failure is None and record.metrics["image_auroc"] == 1
    assert {p["distribution"] for p in record.plugins if p["name"] == "breaker"} == {"breaker"}
    assert record.environment["threads"] == 1 and record.environment["versions"]["torch"]


@pytest.mark.parametrize(
    ("how", "cause", "message"),
    [
        (
            "raises",
            "error",
            'Plugin "breaker" (densities) of breaker 1.5 failed in fit: RuntimeError: out of luck.',
        ),
        ("kills", "killed", "It was killed, as the system does where memory is short."),
        ("exits", "killed", "It ended with status 3 and left no outcome."),
    ],
)
def test_whatever_happens_to_a_cell_is_a_record(outcome, broken, how, cause, message):
    record = outcome(broken(how))
    assert record.failure is not None and not record.metrics
    assert (record.failure.cause, record.failure.message) == (cause, message)
    assert record.failure.stage == "density fit"
    if how == "raises":
        assert "breaker_module.py" in record.failure.traceback


def test_a_cell_that_takes_too_long_is_stopped(outcome, broken, site_of_breaker, monkeypatch):
    """The time is over as soon as the cell has gone to sleep, however long it took to get there."""

    def monotonic():
        return 6.5 if (site_of_breaker / "breaker_module.asleep").exists() else 0.0

    clock = SimpleNamespace(monotonic=monotonic, perf_counter=time.perf_counter)
    monkeypatch.setattr(process, "time", clock)
    record = outcome(broken("sleeps"), Limits(timeout=6.0))
    assert record.failure is not None and record.failure.cause == "timeout"
    assert record.failure.message == "It took longer than the 6 seconds it may."
    assert record.failure.stage == "density fit"
    assert record.took < 600  # which it would have slept


def test_a_cell_that_takes_too_much_memory_is_stopped(outcome, broken):
    record = outcome(broken("eats"), Limits(memory=2e9))
    assert record.failure is not None and record.failure.cause == "memory"
    assert "more than the 2 GB it may" in record.failure.message


def test_all_that_is_asked_for_is_measured(outcome):
    pipeline = {"recipe": "padim-filter-bank", "set": {"preprocessing.resize": 48, "preprocessing.crop": 40}}
    record = outcome(pipeline, measure=["quality", "time", "memory"], repeats=3, batch_size=4)
    assert record.failure is None
    assert set(record.metrics) == {"image_auroc", "pixel_auroc", "pro"}
    whole = {"fit", "predict 1", "predict 4", "first predict 1", "latency"}
    parts = {"read", "reducer fit", "density fit", "prepare"}
    stages = {"backbone", "embedding", "score", "map", "score 1", "score 4", "metrics"}
    assert set(record.seconds) == whole | parts | stages
    assert all(0 < spread.lower <= spread.median <= spread.upper for spread in record.seconds.values())
    assert record.seconds["latency"].count == 5
    assert f"latency {1000 * record.seconds['latency'].median:.1f} ms" in repetition.outcome(record)
    assert record.seconds["fit"].count == 3 and record.seconds["predict 1"].count == 5
    assert all(record.seconds[name].median < record.seconds["fit"].median for name in parts - {"read"})
    sizes = {"model", "fitted", "held", "disk", "resident"}
    assert set(record.bytes) == sizes | {"peak", "peak own", "peak fit", "peak predict"}
    assert record.bytes["held"] > record.bytes["model"]  # factors beside moments
    assert 0 < record.bytes["peak own"] < record.bytes["peak"] - 1e8  # torch alone takes more
    assert record.bytes["disk"] >= record.bytes["model"] > 10_000
    assert record.bytes["peak"] > 1e8 and record.flops is not None and record.flops > 1e6


def test_fitted_bytes_leave_the_backbone_out(outcome, in_this_process):
    small = {"backbone.weights": "none", "preprocessing.resize": 32, "preprocessing.crop": 32}
    record = outcome({"recipe": "padim-r18-rd100", "set": small | {"reducer.keep": 2}}, measure=["memory"])
    backbone = instantiate(record.cell.settings).pipeline.backbone.state_dict()
    weights = sum(tensor.nbytes for tensor in backbone.values())
    size = 24  # height, width and depth of the images, as int64
    assert record.bytes["model"] == record.bytes["fitted"] + weights + size
    assert 0 < record.bytes["fitted"] < 20_000


def test_only_what_is_asked_for_is_measured(outcome):
    record = outcome("padim-filter-bank", measure=["memory"])
    assert record.bytes and not record.metrics and not record.seconds and not record.examples
    batch = record.cell.settings["batch_size"] * 3 * 224 * 224 * 4  # its pixels alone
    assert record.bytes["peak fit"] > batch and record.bytes["peak predict"] > batch


def test_an_outcome_that_no_record_can_hold_is_a_failure(outcome, broken, monkeypatch):
    monkeypatch.setattr(process, "_ended", lambda *_: ({"metrics": {"pro": float("nan")}}, 0))
    record = outcome(broken("well"))
    assert record.failure is not None and record.failure.cause == "error" and not record.metrics
    assert "pro" in record.failure.message and "finite" in record.failure.message


def test_a_record_says_which_metrics_are_better_when_lower(outcome, broken, in_this_process):
    metrics = [
        "image_auroc",
        {
            "class_path": "torchmetrics",
            "init_args": {"metric": "torchmetrics.classification.BinaryHingeLoss"},
        },
    ]
    record = outcome(broken("well"), metrics=metrics)
    (loss,) = record.lower_is_better
    assert set(record.metrics) == {"image_auroc", loss} and "HingeLoss" in loss


def test_examples_and_curves_are_kept(outcome, in_this_process):
    pipeline = {"recipe": "padim-filter-bank", "set": {"preprocessing.resize": 48, "preprocessing.crop": 40}}
    record = outcome(pipeline)
    assert [example.anomalous for example in record.examples] == [False, False, True, True, True, True]
    assert all(example.path.startswith(("good/", "spot/")) and example.mask for example in record.examples)
    for name, curve in record.curves.items():
        assert list(curve.x) == sorted(curve.x), name
        assert list(curve.y) == sorted(curve.y), name
    roc = record.curves["roc"]
    area = sum((b - a) * (c + d) / 2 for a, b, c, d in zip(roc.x, roc.x[1:], roc.y, roc.y[1:], strict=False))
    assert area == pytest.approx(record.metrics["image_auroc"])
    assert record.images.names[0].startswith("good/") and record.images.anomalous == "00001111"
    kinds, scores = np.array(record.images.kinds), np.array(unpacked(record.images.scores))
    assert roc_auc_score(kinds, scores) == pytest.approx(record.metrics["image_auroc"])
    assert set(record.images.influence) == {"pixel_auroc", "pro"} and record.invisible == 0
    for packed in record.images.influence.values():
        influence = np.array(unpacked(packed))
        assert influence.size == 8 and abs(influence.sum()) < 1e-6 < np.abs(influence).max()


def test_the_number_of_training_images_can_be_varied(suite, in_this_process):
    planned = Suite.read(suite(vary={"train_images": [4, 12, 30]}, seeds=[0], measure=["memory"])).planned
    sizes = [run_cell(one.cell, one.facts, Limits(threads=1)).bytes["model"] for one in planned]
    assert sizes[0] == sizes[1] == sizes[2]  # PaDiM's moments: as many for 4 as for 30 (2 channels)


def test_any_module_runs_with_the_weights_that_it_comes_with(outcome, in_this_process):
    module = {"class_path": "torchvision.models.resnet18"}
    backbone = {
        "class_path": "torch_module",
        "init_args": {"module": module, "layers": ["layer1"], "weights": "as_made"},
    }
    pipeline = {
        "backbone": backbone,
        "reducer": {"class_path": "random_channels", "init_args": {"keep": 2}},
        "density": "gaussian",
        "preprocessing": {"resize": 64, "crop": 64},
    }
    record = outcome({"name": "mine", "pipeline": pipeline})
    assert record.failure is None and set(record.metrics) == {"image_auroc", "pixel_auroc", "pro"}


def test_a_metric_has_its_curve_under_its_own_name(outcome, in_this_process):
    pipeline = {"recipe": "padim-filter-bank", "set": {"preprocessing.resize": 48, "preprocessing.crop": 40}}
    short = {"class_path": "pro", "init_args": {"max_fpr": 0.1}}
    long = {"class_path": "pro", "init_args": {"max_fpr": 0.5}}
    assert list(outcome(pipeline).curves) == ["roc", "pro"]
    assert list(outcome(pipeline, metrics=["image_auroc"]).curves) == ["roc"]
    record = outcome(pipeline, metrics=[short, long])
    ends = {name: round(curve.x[-1], 1) for name, curve in record.curves.items()}
    assert ends == {"roc": 1.0, "pro(max_fpr=0.1)": 0.1, "pro(max_fpr=0.5)": 0.5}


def test_the_form_over_images_follows_the_variance_of_the_data(generator):
    """Where differences would cancel, the low-rank factor is in float64; that depends on the variance."""
    density = Gaussian(eps=1e-5)
    pipeline = Pipeline(backbone=Pixels(), reducer=Identity(), density=density)
    size = pipeline.preprocessing.size
    for deviation in (1e-3, 0.2):
        seen = (0.5 + deviation * torch.randn(4, 3, *size, generator=generator)).clamp(0, 1)
        stated = density.costs(Problem(2, 3, 1, variance=float(seen.var(0).mean())))
        assert predicted_of_images(pipeline, seen, count=2, rates={})["form"] == stated.form
    assert density.costs(Problem(2, 3, 1)).form != density.costs(Problem(2, 3, 1, variance=1e-6)).form


def test_stored_bytes_over_images_are_those_of_reducer_and_density(generator):
    seen = torch.rand(4, 3, 32, 32, generator=generator)
    sizes = Preprocessing(resize=32, crop=32)
    for reducer, known in ((PCA(2), True), (ScikitLearn(ScikitPCA(2)), False)):
        pipeline = Pipeline(backbone=Pixels(), reducer=reducer, density=Gaussian(), preprocessing=sizes)
        found = predicted_of_images(pipeline, seen, count=4, rates={})["predicted"]
        assert ("fitted" in found) == known
        if known:
            pipeline.fit(seen, progress=False)
            assert found["fitted"] == pytest.approx(sizes_of(pipeline)["fitted"], rel=1e-3, abs=64)


def test_what_formulas_predict_is_in_the_record_of_what_is_varied(suite, in_this_process):
    cells = Suite.read(suite(vary={"train_images": [2, 8, 12]}, seeds=[0], measure=["memory"])).planned
    few, many, _ = (run_cell(planned.cell, planned.facts, Limits(threads=1)) for planned in cells)
    assert few.failure is None and (few.form, many.form) == ("samples, rank float32", "moments")
    for record in (few, many):  # without times no rates are measured, and so no seconds predicted
        assert list(record.predicted) == ["fitted"] and record.rates == {}
        assert record.far_forms["images"] == "moments"
        assert record.far_predicted["images"]["fitted"] >= many.predicted["fitted"] * 0.99
        assert record.predicted["fitted"] == pytest.approx(record.bytes["fitted"], rel=0.01, abs=64)


def test_the_depth_of_images_is_found_as_a_fit_of_files_finds_it(outcome, stripes, in_this_process):
    pipeline = {"backbone": "pixels", "reducer": "identity", "density": "gaussian"}
    entry = {"name": "mine", "pipeline": pipeline | {"preprocessing": {"resize": 16, "crop": None}}}
    scores = []
    for bits in (8, 12):
        for path in stripes.glob("stripes/t*/*/*.png"):
            with Image.open(path) as picture:
                grey = np.asarray(picture.convert("L")).astype(np.uint16)
            deep = np.rint(grey * ((2**bits - 1) / 255))
            Image.fromarray(deep.astype(np.uint8 if bits == 8 else np.uint16)).save(path)
        measure = ["quality"] if bits == 8 else ["quality", "time"]
        record = outcome(entry, measure=measure, repeats=1, metrics=["image_auroc"])
        assert record.failure is None
        scores.append(unpacked(record.images.scores))
    np.testing.assert_allclose(*scores, rtol=1e-3)
