"""The recipes, and the package as a stranger's: installed in a folder of its own, used by its short name."""

import json
import os
import subprocess
import sys
from importlib.metadata import distributions
from importlib.resources import files
from pathlib import Path

import pytest

from padimkit import Augmentation, Preprocessing, load_recipe
from padimkit_vae import Vae

PROJECT = Path(__file__).resolve().parents[1]
RECIPES = sorted(
    path.name for path in (files("padimkit_vae") / "recipes").iterdir() if path.name.endswith("yaml")
)


def test_there_are_two_recipes():
    assert RECIPES == ["vae-r18.yaml", "vae-tiny.yaml"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_recipe_makes_a_pipeline_by_its_name(recipe):
    assert isinstance(load_recipe(recipe.removesuffix(".yaml")).density, Vae)


def test_the_full_recipe_has_the_published_numbers():
    pipeline = load_recipe("vae-r18")
    vae = pipeline.density
    assert (vae.epochs, vae.batch_size, vae.learning_rate, vae.width) == (100, 32, 1e-4, 64)
    assert pipeline.preprocessing == Preprocessing(resize=292, crop=256)
    assert pipeline.augmentation == Augmentation(
        ("RandomCrop(size=282)",), images=10_000, before_resize=("RandomRotation(degrees=2)",)
    )


@pytest.fixture(scope="module")
def padimkit(tmp_path_factory):
    """The command line, in a Python that finds the package where pip has put it."""
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(site), str(PROJECT)], check=True, capture_output=True)

    def run(*words):
        start = "import sys, runpy; runpy.run_module('padimkit', None, '__main__', True)"
        code = f"import sys; sys.path.insert(0, {str(site)!r}); {start}"
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", code, *map(str, words)]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment, cwd=site
        ).stdout

    run.site = site
    return run


def test_installed_it_is_listed_and_trains_by_its_short_name(padimkit, tmp_path):
    assert "padimkit-vae" in padimkit("plugins")
    recipe = padimkit.site / "padimkit_vae" / "recipes" / "vae-tiny.yaml"
    data = ["--data", "synthetic", "--data.category", "texture", "--data.size", 64]
    few = ["--data.train_images", 8, "--data.test_images", 8, "--pipeline.density.epochs", 1]
    output, model = tmp_path / "result.json", tmp_path / "model"
    padimkit("evaluate", recipe, *data, *few, "--output", output)
    assert 0 <= json.loads(output.read_text())["metrics"]["pixel_auroc"] <= 1
    checkpoint = tmp_path / "training"
    padimkit("fit", recipe, *data, *few, "--pipeline.density.checkpoint", checkpoint, "--output", model)
    assert (model / "state.safetensors").is_file()
    assert not checkpoint.exists()


def test_installed_its_recipes_are_found_by_an_entry_point(padimkit):
    (installed,) = distributions(name="padimkit-vae", path=[str(padimkit.site)])
    (found,) = installed.entry_points.select(group="padimkit.recipes")
    assert found.value == "padimkit_vae.recipes"
    folder = padimkit.site / "padimkit_vae" / "recipes"
    assert sorted(path.name for path in folder.glob("*.yaml")) == RECIPES
