import re
from collections.abc import Callable
from typing import Any

import pytest

from padimkit.config.class_paths import Expansion, collapsed
from padimkit.contracts import DensityModel, Levels, Metric, Reducer
from padimkit.errors import BadConfig, UnknownPlugin, UntrustedClass
from padimkit.pipeline.pipeline import Pipeline


class Ensemble(DensityModel):
    """Takes other parts, and arguments named like top-level keys."""

    def __init__(
        self,
        member: DensityModel,
        others: list[DensityModel],
        data: str = "",
        link: Callable[[float], float] | None = None,
        anything: Any = None,
    ):
        pass

    fit = score = state_dict = load_state_dict = lambda self: None


ENSEMBLE = f"{Ensemble.__module__}.Ensemble"
GAUSSIAN = "padimkit.densities.gaussian.Gaussian"


def expand(value, hint, dotted=True):
    return Expansion(dotted).value(value, hint, "key")


def test_names_become_paths_and_paths_names():
    short = {"class_path": "gaussian", "init_args": {"eps": 0.1}}
    long = {"class_path": GAUSSIAN, "init_args": {"eps": 0.1}}
    assert expand(short, DensityModel) == long
    assert collapsed(long) == short
    assert expand("gaussian", DensityModel) == {"class_path": GAUSSIAN, "init_args": {}}
    assert expand("joint", Levels)["class_path"] == "padimkit.pipeline.levels.Joint"
    assert expand(["pro"], list[Metric])[0]["class_path"] == "padimkit.metrics.pro.PRO"
    assert collapsed({"levels": [{"class_path": "padimkit.pipeline.levels.Separate"}]})["levels"] == [
        {"class_path": "separate"}
    ]


@pytest.mark.parametrize("path", ["torchvision.models.resnet18", "datetime.datetime.fromisoformat"])
def test_paths_of_what_is_no_class_are_left_as_they_are(path):
    assert collapsed({"module": {"class_path": path}}) == {"module": {"class_path": path}}


def test_parts_of_parts_are_found_by_type_and_not_by_key():
    arguments = {"member": "gaussian", "others": ["gaussian"], "data": "gaussian"}
    found = expand({"class_path": ENSEMBLE, "init_args": arguments}, DensityModel)["init_args"]
    assert found["member"]["class_path"] == GAUSSIAN
    assert found["others"][0]["class_path"] == GAUSSIAN
    assert found["data"] == "gaussian"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"density": {"class_path": "gaussian", "init_args": {"epss": 1}}}, "key.density.init_args.epss"),
        ({"density": {"class_path": "gaussian", "args": {}}}, 'key.density.args". Did you mean'),
        ({"density": {"class_path": "gaussian", "init_args": [1]}}, 'key.density.init_args" is [1]'),
        ({"map": {"sigma": 1}, "smooth": 3}, 'Unknown key "key.smooth"'),
        ({"density": "no.such.Thing"}, '"no.such.Thing" cannot be imported'),
        ({"density": "padimkit.pipeline.levels.check_pooling"}, "expected a class"),
    ],
)
def test_unknown_keys_and_paths_are_refused(settings, message):
    with pytest.raises(BadConfig, match=re.escape(message)):
        expand(settings, Pipeline)


def test_unknown_names_are_refused():
    with pytest.raises(UnknownPlugin, match="'separate'"):
        expand("seperate", Levels)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("os.system", DensityModel),
        ({"class_path": GAUSSIAN}, Reducer),
        ({"density": "padimkit.densities.spade.SPADE.no"}, Pipeline),
        ({"levels": "padimkit.pipeline.levels.Levels"}, Pipeline),
        ({"map": {"class_path": "padimkit.pipeline.graph.Graph"}}, Pipeline),
        ("os.system", Callable[[float], float]),
        ("os.system", Callable[[float], float] | None),
        ([{"x": "os.system"}], Any),
    ],
)
def test_dotted_paths_are_refused_where_they_are_not_trusted(value, hint):
    with pytest.raises((UntrustedClass, BadConfig)):
        expand(value, hint, dotted=False)


def test_dots_in_plain_values_are_no_paths():
    settings = {"class_path": "timm", "init_args": {"model": "resnet18.tv_in1k", "layers": ["blocks.1"]}}
    backbone = expand({"backbone": settings}, Pipeline, dotted=False)["backbone"]
    assert backbone["init_args"] == settings["init_args"]
