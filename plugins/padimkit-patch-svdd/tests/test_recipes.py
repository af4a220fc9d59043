"""The recipes."""

from importlib.resources import files

import pytest

from padimkit import Preprocessing, load_recipe
from padimkit_patch_svdd import PatchSvdd

RECIPES = sorted(
    path.name for path in (files("padimkit_patch_svdd") / "recipes").iterdir() if path.name.endswith("yaml")
)


def test_there_are_two_recipes():
    assert RECIPES == ["patch-svdd-tiny.yaml", "patch-svdd.yaml"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_recipe_makes_a_pipeline_by_its_name(recipe):
    assert isinstance(load_recipe(recipe.removesuffix(".yaml")).density, PatchSvdd)


def test_the_full_recipe_has_the_published_numbers_and_the_defaults():
    pipeline = load_recipe("patch-svdd")
    found, default = pipeline.density, PatchSvdd()
    for name in (
        "patch",
        "stride",
        "dimension",
        "width",
        "epochs",
        "batch_size",
        "learning_rate",
        "svdd_weight",
    ):
        assert getattr(found, name) == getattr(default, name), name
    assert (found.patch, found.stride, found.dimension, found.epochs, found.batch_size) == (
        32,
        4,
        64,
        300,
        64,
    )
    assert pipeline.preprocessing == Preprocessing(resize=256, crop=None) and pipeline.map.sigma == 0
