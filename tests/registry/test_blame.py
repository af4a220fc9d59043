"""An error that a stranger's plugin raises is told with plugin, distribution, version and step."""

import textwrap
from pathlib import Path

import pytest

from padimkit import BadConfig, Sample, Stream, load_recipe
from padimkit.cli.main import main
from padimkit.registry.blame import blamed

FAULTY = """
    import torch
    from padimkit import DensityModel, Metric, Scores

    class Faulty(DensityModel):
        def __init__(self, step: str = "score"):
            self.step = step
            self._at("__init__")
        def _at(self, step):
            if step == self.step: raise ValueError("no\\nsuch thing.")
        def fit(self, stream):
            for embedding in stream: self._at("fit")
        def score(self, embedding):
            self._at("score")
            return Scores(embedding.patches.sum(1))
        def state_dict(self):
            self._at("state_dict")
            return {}
        def load_state_dict(self, state): pass

    class Count(Metric):
        higher_is_better = True
        def update(self, prediction, truth): torch.ones(2) @ torch.ones(3)
        def compute(self): return 0.0
        def reset(self): pass
"""


@pytest.fixture
def faulty(install):
    install("faulty", {"faulty": "faulty_parts:Faulty"}, {"faulty_parts": FAULTY}, "padimkit.densities")
    install("faulty-metric", {"count": "faulty_parts:Count"}, group="padimkit.metrics")


@pytest.fixture
def evaluated(faulty, stripes):
    """The status of an evaluation with the faulty density, which fails in this step, and other options."""

    def evaluated(step, *words):
        data = ["--data=mvtec", f"--data.root={stripes}", "--data.category=stripes", "--workers=0"]
        size = ["--pipeline.preprocessing.resize=8", "--pipeline.preprocessing.crop=8"]
        parts = ["--pipeline.backbone=pixels", "--pipeline.reducer=identity"]
        density = f"--pipeline.density={{class_path: faulty, init_args: {{step: {step}}}}}"
        return main(["evaluate", *parts, density, *data, *size, *words])

    return evaluated


@pytest.mark.parametrize("step", ["__init__", "fit", "score"])
def test_a_command_names_plugin_distribution_version_and_step(evaluated, step, capsys):
    assert evaluated(step) == 2
    error = capsys.readouterr().err
    assert f'Plugin "faulty" (densities) of faulty 1.5 failed in {step}: ValueError: no' in error
    assert "Traceback" not in error and "--debug shows the traceback" in error


def test_a_plugin_whose_library_fails_is_named_among_several_of_its_package(evaluated, capsys):
    assert evaluated("none", "--metrics=count") == 2
    assert (
        'Plugin "count" (metrics) of faulty-metric 1.5 failed in update: RuntimeError'
        in capsys.readouterr().err
    )


def test_debug_shows_the_traceback_too(evaluated, capsys):
    assert evaluated("fit", "--debug") == 2
    assert "Traceback" in capsys.readouterr().err


def test_nobody_is_blamed_for_an_error_of_ours_or_of_what_a_stream_yields(faulty):
    from faulty_parts import Faulty

    def broken():
        load_recipe(3.5)
        yield

    with pytest.raises(BadConfig) as ours:
        load_recipe(3.5)
    assert blamed(ours.value) == ""
    with pytest.raises(BadConfig) as within:
        Faulty("none").fit(Stream(broken))
    assert blamed(within.value) == ""


OPENS = """
    def opened(path):
        raise ValueError("no picture")
"""


def test_a_data_set_is_named_where_its_samples_cannot_be_opened(faulty, install):
    install("faulty-data", {"opens": "faulty_parts.data:Opens"}, group="padimkit.datasets")
    module = {}
    exec(textwrap.dedent(OPENS), module | {"__name__": "faulty_parts.data"}, module)
    with pytest.raises(ValueError) as failed:
        Sample(Path("a.png"), open=module["opened"]).picture(None)
    assert blamed(failed.value) == (
        'Plugin "opens" (datasets) of faulty-data 1.5 failed in opened: ValueError: no picture.'
    )
