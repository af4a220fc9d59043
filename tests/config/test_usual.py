"""A part of its usual class is written by its arguments alone; a part of another one is named."""

import json

import pytest
import torch
import yaml

from padimkit import AnomalyMap, load, load_recipe, save
from padimkit.cli.main import main
from padimkit.config.build import resolved
from padimkit.config.commands import EVALUATE, evaluate_parser
from padimkit.config.description import describe
from padimkit.config.parser import parse_pipeline, plain
from padimkit.errors import BadConfig, BadModel, UnknownPlugin
from padimkit.values import Batch

DARK = """
    from dataclasses import dataclass
    from padimkit import AnomalyMap, Prediction

    @dataclass(frozen=True)
    class Dark(AnomalyMap):
        '''Maps times a factor.'''

        factor: float = {factor}

        def predict(self, scores, size, axes=None, region=None):
            found = super().predict(scores, size, axes, region)
            return Prediction(self.factor * found.image_scores, self.factor * found.anomaly_maps)
"""
SMOOTH = {"sigma": 2.0, "image_score": "after", "upsampling": "bicubic"}
PARTS = {"backbone": "pixels", "reducer": "identity", "density": "gaussian"}


@pytest.fixture
def dark(install):
    """Installs a distribution whose map is "dark", which is a class of its own in each."""

    def dark(distribution="stranger", factor=3.0):
        module = distribution.replace("-", "_")
        text = DARK.format(factor=factor)
        install(distribution, {"dark": f"{module}:Dark"}, {module: text}, "padimkit.maps")

    return dark


def settings(folder, **parts):
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump({"pipeline": PARTS | {"preprocessing": {"resize": 8, "crop": 8}} | parts}))
    return path


def fitted(folder, **parts):
    pipeline = load_recipe(settings(folder, **parts))
    pipeline.fit([Batch(torch.linspace(0, 1, 6 * 3 * 64).reshape(6, 3, 8, 8), tuple("abcdef"))])
    return pipeline


def typed(*words):
    parser = evaluate_parser()
    return plain(parser, parse_pipeline(parser, EVALUATE, ["--data=synthetic", *map(str, words)])[0])


@pytest.mark.parametrize("map_", ["dark", {"class_path": "dark", "init_args": {"sigma": 1.0}}])
def test_a_stored_model_finds_its_map_again(dark, tmp_path, map_):
    dark()
    pipeline = fitted(tmp_path, map=map_)
    save(pipeline, tmp_path / "model")
    loaded, images = load(tmp_path / "model"), torch.linspace(0, 1, 192).reshape(1, 3, 8, 8)
    assert describe(loaded.map) == describe(pipeline.map) and type(loaded.map).__name__ == "Dark"
    assert torch.equal(loaded.predict(images).anomaly_maps, pipeline.predict(images).anomaly_maps)
    plugins = json.loads((tmp_path / "model" / "manifest.json").read_text())["plugins"]
    listed = {"family": "maps", "name": "dark", "distribution": "stranger", "version": "1.5"}
    assert listed in plugins


def test_a_stored_model_takes_no_map_of_another_distribution(dark, tmp_path):
    dark("first-maps")
    save(fitted(tmp_path, map="dark"), tmp_path / "model")
    dark("second-maps", factor=9.0)
    assert load(tmp_path / "model").map.factor == 3.0
    manifest = tmp_path / "model" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("first-maps", "third-maps"))
    with pytest.raises(BadModel, match=r'"dark" \(maps\) of third-maps 1.5, which is not installed'):
        load(tmp_path / "model")


class Here(AnomalyMap):
    """A map that no distribution has."""


def test_a_map_that_nobody_provides_is_refused_unless_it_is_trusted(tmp_path):
    pipeline = fitted(tmp_path)
    pipeline.map = Here(sigma=1.0)
    save(pipeline, tmp_path / "model")
    with pytest.raises(
        BadModel, match=r'"pipeline.map" names ".*test_usual.Here", which is not an installed'
    ):
        load(tmp_path / "model")


def test_arguments_alone_mean_the_usual_class_and_are_written_for_it(tmp_path):
    for map_ in (
        {"sigma": 2.0},
        {"class_path": "smoothed", "init_args": {"sigma": 2.0}},
        {"class_path": "padimkit.pipeline.anomaly_map.AnomalyMap", "init_args": {"sigma": 2.0}},
    ):
        found = load_recipe(settings(tmp_path, map=map_))
        assert found.map == AnomalyMap(sigma=2.0)
        given = {"pipeline": PARTS | {"map": map_}, "data": "synthetic"}
        assert resolved(given, {})["pipeline"]["map"] == SMOOTH
    assert describe(found)["map"] == SMOOTH
    assert load_recipe(settings(tmp_path, map="smoothed")).map == AnomalyMap()


def test_the_command_line_names_maps_and_sets_their_arguments(dark, tmp_path):
    dark()
    recipe = settings(tmp_path, map={"sigma": 1.0})
    named = {"class_path": "dark", "init_args": SMOOTH | {"sigma": 1.0, "factor": 2.0}}
    words = ["--pipeline.map=dark", "--pipeline.map.factor=2"]
    assert typed(f"--config={recipe}", *words)["pipeline"]["map"] == named
    given = {"pipeline": PARTS | {"map": {"sigma": 1.0}}, "data": "synthetic"}
    assert resolved(given, {"map": "dark", "map.factor": 2})["pipeline"]["map"] == named
    other = settings(tmp_path, map={"class_path": "dark", "init_args": {"sigma": 1.0}})
    assert typed(f"--config={other}", "--pipeline.map.factor=2.0")["pipeline"]["map"] == named
    back = typed(f"--config={other}", "--pipeline.map=smoothed", "--pipeline.map.image_score=before")
    assert back["pipeline"]["map"] == SMOOTH | {"sigma": 1.0, "image_score": "before"}
    for name in ("smoothed", "padimkit:smoothed"):
        assert typed(f"--config={recipe}", f"--pipeline.map={name}")["pipeline"]["map"]["sigma"] == 1.0


def test_the_help_still_lists_the_arguments_of_the_usual_class(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["fit", "--help"])
    text = capsys.readouterr().out
    assert "--pipeline.map.sigma SIGMA" in text and "--pipeline.preprocessing.resize" in text


@pytest.mark.parametrize(
    ("map_", "error", "message"),
    [
        ("smothed", UnknownPlugin, 'No plugin "smothed" in the family "maps". Did you mean \'smoothed\''),
        ({"sigm": 1}, BadConfig, "Unknown key \"pipeline.map.sigm\". Did you mean 'sigma'"),
        ({"class_path": "smoothed", "sigma": 1}, BadConfig, 'Unknown key "pipeline.map.sigma"'),
        ([1], BadConfig, r'"pipeline.map" is \[1\]; expected keys and values, or a name'),
        (None, BadConfig, '"pipeline.map" is None; expected keys and values, or a name'),
    ],
)
def test_what_is_no_map_is_named(tmp_path, map_, error, message):
    with pytest.raises(error, match=message):
        load_recipe(settings(tmp_path, map=map_))
