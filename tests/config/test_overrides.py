"""Values by key give the same settings in a suite as on the command line."""

import json

import pytest

from padimkit.config.build import instantiate, resolved
from padimkit.config.commands import EVALUATE, evaluate_parser
from padimkit.config.overrides import overridden
from padimkit.config.parser import parse_pipeline, plain
from padimkit.errors import BadConfig, UnknownPlugin

PIPELINE = {
    "backbone": "pixels",
    "levels": {"class_path": "joint", "init_args": {"alignment": "bilinear"}},
    "reducer": {"class_path": "random_channels", "init_args": {"keep": 2, "seed": 1}},
    "density": {"class_path": "gaussian", "init_args": {"eps": 0.5}},
    "map": {"sigma": 1.0},
    "preprocessing": {"resize": 32, "crop": 28},
}
SETTINGS = {"pipeline": PIPELINE, "data": "synthetic", "metrics": ["pro"]}


def typed(overrides):
    """The settings that the command line makes of the same values."""
    words = [f"--{key}={json.dumps(value)}" for key, value in SETTINGS.items()]
    words += [
        f"--pipeline.{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in overrides.items()
    ]
    parser = evaluate_parser()
    return plain(parser, parse_pipeline(parser, EVALUATE, words)[0])


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"reducer.keep": 3},
        {"reducer.init_args.keep": 3},
        {"reducer": "identity"},
        {"reducer": "pca"},
        {"reducer.class_path": "pca"},
        {"reducer": "pca", "reducer.which": "low_variance"},
        {"reducer": {"class_path": "pca", "init_args": {"keep": 0.5}}},
        {"reducer": {"class_path": "random_channels", "init_args": {"seed": 7}}},
        {"reducer": "identity", "reducer.class_path": "random_channels", "reducer.keep": 1},
        {"density": "gaussian"},
        {"density": "spade", "density.image_neighbours": 5},
        {"density.eps": 0, "density.covariance": "ledoit_wolf"},
        {"levels": "separate", "levels.pooling": "global"},
        {"map": {"image_score": "before"}, "preprocessing.resize": 64},
        {"map": "smoothed", "map.sigma": 2.5},
        {"map": {"class_path": "smoothed", "init_args": {"image_score": "before"}}},
        {"augmentation": {"transforms": ["RandomCrop(size=28)"], "images": 8}, "augmentation.seed": 3},
        {"backbone": "timm", "backbone.model": "resnet18", "backbone.layers": ["layer1"]},
    ],
)
def test_a_suite_and_the_command_line_agree(overrides):
    assert resolved(SETTINGS, overrides) == typed(overrides)


def test_a_part_that_only_an_override_names_may_be_missing():
    bare = {key: value for key, value in PIPELINE.items() if key not in ("density", "reducer")}
    found = resolved(
        SETTINGS | {"pipeline": bare},
        {"density": "spade", "reducer": "pca", "reducer.keep": 3, "map.sigma": 2},
    )
    assert found["pipeline"]["reducer"]["init_args"]["keep"] == 3
    assert found["pipeline"]["density"]["class_path"] == "spade"
    assert found["pipeline"]["map"]["sigma"] == 2


def test_resolved_settings_resolve_to_themselves_and_make_objects():
    once = resolved(SETTINGS, {})
    assert resolved(once, {}) == once
    made = instantiate(once)
    assert (made.pipeline.reducer.keep, made.pipeline.density.eps, len(made.metrics)) == (2, 0.5, 1)


def test_a_seed_is_that_of_every_part():
    found = resolved(SETTINGS | {"seed": 9}, {})
    assert found["pipeline"]["reducer"]["init_args"]["seed"] == 9


def test_the_settings_that_are_overridden_stay_as_they_are():
    before = json.dumps(PIPELINE)
    overridden(PIPELINE, {"reducer.keep": 3, "map.sigma": 2.0, "density": "spade"})
    assert json.dumps(PIPELINE) == before


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"density.epss": 1}, "Unknown key \"pipeline.density.init_args.epss\". Did you mean 'eps'"),
        ({"densty": "spade"}, "Unknown key \"pipeline.densty\". Did you mean 'density'"),
        ({"map.sigm": 1}, "Unknown key \"pipeline.map.sigm\". Did you mean 'sigma'"),
        ({"density.eps": "much"}, '"gaussian".*"eps".*Got value: much'),
        ({"map": 3}, '"pipeline.map" is 3; expected keys and values'),
        ({"reducer": 3}, '"pipeline.reducer"'),
        ({"reducer.init_args": [3]}, '"pipeline.reducer.init_args" is .3.; expected keys'),
        ({"reducer": "pca", "reducer.keep": None}, "keep"),
    ],
)
def test_what_is_wrong_is_named(overrides, message):
    with pytest.raises(BadConfig, match=message):
        resolved(SETTINGS, overrides)


def test_an_unknown_part_is_named_with_near_misses():
    with pytest.raises(UnknownPlugin, match="\"gausian\".*Did you mean 'gaussian'"):
        resolved(SETTINGS, {"density": "gausian"})


def test_a_parser_that_has_refused_settings_reads_others_as_before():
    before = resolved(SETTINGS, {})
    with pytest.raises(BadConfig):
        resolved(SETTINGS, {"map.sigma": "wide"})
    assert resolved(SETTINGS, {"map.sigma": 2.0, "reducer": "identity"}) != before
    assert resolved(SETTINGS, {}) == before
