"""The recipes."""

from importlib.resources import files

import pytest

from padimkit import Preprocessing, load_recipe
from padimkit.arguments import arguments
from padimkit_cavga import Cavga

RECIPES = sorted(
    path.name for path in (files("padimkit_cavga") / "recipes").iterdir() if path.name.endswith("yaml")
)


def test_there_are_two_recipes():
    assert RECIPES == ["cavga-ru-r18.yaml", "cavga-ru-tiny.yaml"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_recipe_makes_a_pipeline_by_its_name(recipe):
    assert isinstance(load_recipe(recipe.removesuffix(".yaml")).density, Cavga)


def test_the_full_recipe_has_the_defaults_and_a_full_resnet18():
    pipeline = load_recipe("cavga-ru-r18")
    found, default = arguments(pipeline.density), arguments(Cavga())
    assert found == default
    assert (found["width"], found["stages"], found["attention_weight"]) == (64, 4, 0.01)
    assert pipeline.preprocessing == Preprocessing(resize=256, crop=None) and pipeline.map.sigma == 0
