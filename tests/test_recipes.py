import pytest

from padimkit import load_recipe, recipes
from padimkit.errors import BadConfig


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_makes_a_pipeline_without_reading_weights(name):
    pipeline = load_recipe(name)
    assert pipeline.preprocessing.size[0] in (64, 224, 256, 380)


@pytest.mark.parametrize("name", [name for name in recipes() if "lite0" in name])
def test_recipes_for_images_of_ones_own_look_at_the_whole_image(name):
    assert load_recipe(name).preprocessing.geometry((300, 400)).seen == pytest.approx(1)


def test_a_file_is_a_recipe_too(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("pipeline: {backbone: pixels, reducer: identity, density: gaussian}")
    assert type(load_recipe(path).backbone).__name__ == "Pixels"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: synthetic", 'has no section "pipeline"'),
        ("- 1", "does not hold keys and values"),
        ("pipeline: {backbone: pixels, reducer: identity}", "density"),
        ("pipeline: {backbone: pixels, reducer: 3, density: gaussian}", "reducer"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(BadConfig, match=message):
        load_recipe(path)
    with pytest.raises(BadConfig, match="neither a recipe nor a file. Did you mean 'padim-r18'"):
        load_recipe("padim-r19")
