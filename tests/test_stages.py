import ast
import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import padimkit
from padimkit import Gaussian, Identity, ImageAUROC, Pipeline, Pixels, evaluate
from padimkit.datasets.mvtec import MVTec
from padimkit.images.preprocessing import Preprocessing
from padimkit.stages import Clock, stage, staged, timed


@pytest.fixture
def ticks(monkeypatch):
    """Time goes on by a second with each look at it."""
    seconds = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(seconds)))


def test_a_stage_counts_without_those_within_it(ticks):
    with timed(Clock()) as clock:
        with stage("outer"):  # looks at 0
            with stage("inner"):  # 1
                pass  # 2
            with stage("inner"):  # 3
                pass  # 4
        # 5
    assert clock.seconds == {"outer": 3.0, "inner": 2.0}


def test_clocks_within_each_other_count_the_same(ticks):
    with timed(Clock()) as outer, stage("fit"):
        with timed(Clock()) as inner, stage("score"):
            pass
    assert set(outer.seconds) == {"fit", "score"} and set(inner.seconds) == {"score"}


def test_without_a_clock_nothing_is_counted():
    with stage("fit"):
        assert list(staged("read", [1, None, 3])) == [1, None, 3]


def test_an_error_ends_its_stages():
    entered = []
    with timed(Clock(entered=entered.append)) as clock:
        with pytest.raises(ValueError), stage("fit"), stage("backbone"):
            raise ValueError
        with stage("map"):
            pass
    assert entered == ["fit", "backbone", "map"] and set(clock.seconds) == set(entered)


def test_the_stage_around_goes_on_after_those_within_it():
    entered = []
    with timed(Clock(entered=entered.append)), stage("fit"), stage("backbone"):
        pass
    assert entered == ["fit", "backbone", "fit"]


def test_making_values_counts_and_using_them_does_not(ticks):
    def values():
        with stage("backbone"):
            pass
        yield 1

    with timed(Clock()) as clock, stage("fit"):
        assert list(staged("read", values())) == [1]
    assert clock.seconds["read"] == 3.0 and clock.seconds["backbone"] == 1.0


def test_all_stages_of_a_pipeline_are_seen(stripes, ticks):
    pipeline = Pipeline(Pixels(), Identity(), Gaussian(), preprocessing=Preprocessing(16, 16))
    source = MVTec(stripes, "stripes")
    with timed(Clock()) as fitting:
        pipeline.fit(source.train())
    assert set(fitting.seconds) == {"read", "backbone", "embedding", "reducer fit", "density fit"}
    with timed(Clock()) as testing:
        found = evaluate(pipeline, source.test(), {"image_auroc": ImageAUROC()})
    assert set(testing.seconds) == {"read", "predict", "backbone", "embedding", "score", "map", "metrics"}
    assert found.seconds["metrics"] == testing.seconds["metrics"] > 0


def test_waiting_is_done_at_each_border():
    waits = []
    with timed(Clock(wait=lambda: waits.append(1))), stage("fit"), stage("score"):
        torch.zeros(1)
    assert len(waits) == 4


def test_importing_it_imports_no_torch():
    code = "import sys, padimkit.stages; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_stages_are_called_by_names_that_cannot_be_misspelt():
    root = Path(padimkit.__file__).parent
    calls = [
        (path.name, ast.unparse(node))
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("stage", "staged")
    ]
    assert len(calls) > 10
    assert [call for call in calls if '"' in call[1] or "'" in call[1]] == []


def test_a_clock_may_count_other_seconds_than_those_of_the_wall():
    seconds = iter((1.0, 3.0, 3.5, 10.0))
    with timed(Clock(now=lambda: next(seconds))) as clock, stage("fit"), stage("score"):
        pass
    assert clock.seconds == {"fit": 8.5, "score": 0.5}
