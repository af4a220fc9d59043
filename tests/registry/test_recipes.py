import subprocess
import sys

import pytest

from padimkit import load_recipe, recipes
from padimkit.errors import BadConfig
from padimkit.registry.recipes import find_recipe

RECIPE = "pipeline: {backbone: pixels, reducer: identity, density: gaussian}\n"


@pytest.fixture
def kitchen(install, tmp_path):
    """Installs a distribution with recipes of these names, whose module must not be imported."""

    def kitchen(distribution, *names):
        package = distribution.replace("-", "_")
        install(distribution, {distribution: f"{package}.recipes"}, group="padimkit.recipes")
        (tmp_path / package / "recipes").mkdir(parents=True)
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('imported')")
        for name in names:
            (tmp_path / package / "recipes" / f"{name}.yaml").write_text(RECIPE)

    return kitchen


def test_a_plugin_brings_recipes_which_are_found_without_importing_it(kitchen):
    kitchen("good-cook", "stew")
    assert "stew" in recipes() and "padim-r18" in recipes()
    assert type(load_recipe("stew").backbone).__name__ == "Pixels"


def test_recipes_of_one_name_must_be_told_apart(kitchen):
    kitchen("good-cook", "stew", "spade-r18")
    kitchen("other-cook", "stew")
    assert {"good-cook:stew", "other-cook:stew", "good-cook:spade-r18", "spade-r18"} <= set(recipes())
    assert find_recipe("other-cook:stew").parts[-3] == "other_cook"
    with pytest.raises(BadConfig, match="Use good-cook:stew or other-cook:stew"):
        find_recipe("stew")


@pytest.mark.parametrize("name", ["good-cook:stew", "Good_Cook:stew", "good.cook:stew"])
def test_a_recipe_is_found_with_its_distribution_in_any_spelling(kitchen, name):
    kitchen("good-cook", "stew")
    assert find_recipe(name).parts[-3] == "good_cook"
    kitchen("other-cook", "stew")
    assert find_recipe(name).parts[-3] == "good_cook"


def test_a_recipe_that_two_entry_points_of_one_distribution_lead_to_counts_once(install, tmp_path):
    install("good-cook", dict.fromkeys(("one", "two"), "cook"), group="padimkit.recipes")
    (tmp_path / "cook").mkdir()
    (tmp_path / "cook" / "stew.yaml").write_text(RECIPE)
    assert find_recipe("stew") == tmp_path / "cook" / "stew.yaml"


def test_the_path_of_a_recipe_may_begin_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "stew.yaml").write_text(RECIPE)
    assert find_recipe("~/stew.yaml") == tmp_path / "stew.yaml"


def test_recipes_that_are_missing_harm_no_others(install):
    install("bad-cook", {"bad": "nowhere.recipes"}, group="padimkit.recipes")
    assert "padim-r18" in recipes()


def test_finding_recipes_imports_no_torchvision():
    code = "import sys, padimkit; padimkit.recipes(); assert 'torchvision' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
