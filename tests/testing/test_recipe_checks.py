"""Recipes are checked as their users would use them: by name, as a file, and as they are written."""

import re

import pytest
import yaml

from padimkit.cli.main import main
from padimkit.cli.plugins.new import RECIPE, write_starter
from padimkit.errors import BadArgument, BadConfig
from padimkit.testing import ContractViolation, Recipe, check_recipe, recipe_outcomes, recipes
from padimkit.testing.recipes import RECIPE_CHECKS

PARTS = {"backbone": "pixels", "reducer": "identity", "density": "gaussian"}
SMALL = PARTS | {"preprocessing": {"resize": 16, "crop": None}}
MODULE = """
    from padimkit import Identity, Registry, Scores

    class Unknown(Identity):
        '''A class that no entry point names.'''

    class Waning(Identity):
        '''A reducer that halves what it is given once it is restored.'''

        factor = 1.0

        def transform(self, embedding):
            found = super().transform(embedding)
            return type(found)(found.patches * self.factor, found.descriptor)

        def load_state_dict(self, state):
            self.factor = 0.5

    class Rounded(Waning):
        '''A reducer whose values are off in the last digits once it is restored.'''

        def load_state_dict(self, state):
            self.factor = 1 + 1e-6
"""


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch):
    monkeypatch.setattr(recipes, "_LEARNT", 3)
    monkeypatch.setattr(recipes, "_PICTURE", (20, 30))


@pytest.fixture
def brought(install, tmp_path):
    """Installs a distribution with a recipe, and another one with a reducer."""

    def brought(settings, requires=("padimkit", "Some_Parts>=1")):
        reducers = {"waning": "some_parts:Waning", "rounded": "some_parts:Rounded"}
        install("some-parts", reducers, {"some_parts": MODULE})
        install("a-cook", {"cook": "a_cook"}, group="padimkit.recipes", requires=requires)
        (tmp_path / "a_cook").mkdir()
        text = settings if isinstance(settings, str) else yaml.safe_dump(settings)
        (tmp_path / "a_cook" / "soup.yaml").write_text(text)
        return tmp_path / "a_cook" / "soup.yaml"

    return brought


def test_a_right_recipe_passes_by_name_and_as_a_file(brought, capsys):
    path = brought({"pipeline": SMALL})
    assert main(["plugins", "check", "recipes/soup"]) == 0
    assert "7 passed, 0 failed" in capsys.readouterr().out
    for name in ("soup", "a-cook:soup", str(path)):
        assert Recipe.named(name) == Recipe(path, "a-cook")


def test_a_file_of_ones_own_requires_nothing(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"pipeline": SMALL}))
    found = {one.check.name: one for one in recipe_outcomes(Recipe.named(str(tmp_path / "mine.yaml")))}
    assert found["requires_what_it_names"].reason == "It is a file that no distribution brings."
    assert {one.verdict for one in found.values()} == {"passed", "skipped"}


@pytest.mark.parametrize(
    ("settings", "check", "reason"),
    [
        ({"pipeline": PARTS | {"density": "gausian"}}, "settings_are_right", "Did you mean 'gaussian'"),
        ({"metrics": ["pro"]}, "settings_are_right", 'Expected a section "pipeline"'),
        ("pipeline: {", "settings_are_right", "cannot be read"),
        ({"pipeline": SMALL, "device": "cpu"}, "leaves_to_users_what_is_theirs", "found device"),
        (
            {"pipeline": SMALL | {"reducer": "some_parts.Unknown"}},
            "names_plugins_only",
            "not an installed plugin",
        ),
        (
            {"pipeline": SMALL | {"preprocessing": {"resize": 16, "crop": None, "roi": "/home/me/roi.png"}}},
            "names_no_place_on_a_machine",
            "found /home/me/roi.png",
        ),
        ({"pipeline": PARTS | {"preprocessing": {"resize": 4, "crop": 9}}}, "learns_and_scores", '"crop"'),
        (
            {"pipeline": SMALL | {"backbone": "filter_bank"}},
            "learns_and_scores",
            "need images of at least 33 x 33",
        ),
        ({"pipeline": SMALL | {"reducer": "waning"}}, "its_pipeline_can_be_stored", "Expected the same maps"),
    ],
)
def test_a_mistake_is_found_by_the_check_that_should(brought, settings, check, reason):
    brought(settings)
    found = {one.check.name: one for one in recipe_outcomes(Recipe.named("soup"))}
    assert found[check].verdict == "failed" and reason in found[check].reason
    if check == "settings_are_right":
        assert {one.verdict for name, one in found.items() if name != check} == {"skipped"}


def test_a_package_that_its_distribution_does_not_require_is_named(brought, capsys):
    brought({"pipeline": SMALL | {"reducer": "waning"}}, requires=("padimkit",))
    with pytest.raises(ContractViolation, match='soup fails the check "requires_what_it_names"'):
        check_recipe("soup")
    assert main(["plugins", "check", "soup"]) == 1
    captured = capsys.readouterr()
    assert "Expected a-cook to require the plugins of some-parts" in captured.out
    assert '"soup" breaks its contract' in captured.err


def test_each_check_is_described_and_finds_a_mistake():
    assert all(check.description.endswith(".") for check in RECIPE_CHECKS)
    assert len(RECIPE_CHECKS) == 7


def test_what_is_no_recipe_is_named_and_arguments_are_refused(brought, capsys):
    brought({"pipeline": SMALL})
    with pytest.raises(BadConfig, match='"sopu" is neither a recipe nor a file'):
        check_recipe("sopu")
    assert main(["plugins", "check", "recipes/sopu"]) == 2 and main(["plugins", "check", "zzz"]) == 2
    assert '"zzz" is neither a plugin nor a recipe.' in capsys.readouterr().err
    assert main(["plugins", "check", "soup", "--keep=3"]) == 2
    assert '"soup" is a recipe, which takes no arguments' in capsys.readouterr().err


def test_a_stored_pipeline_may_be_off_by_rounding(brought):
    """Gaussians sum up waiting images in other portions for their state than for their scores."""
    brought({"pipeline": SMALL | {"reducer": "rounded"}})
    check_recipe("soup")


def test_the_written_package_holds_a_recipe_that_passes(tmp_path, capsys):
    assert main(["plugins", "new", "recipe", "fresh-start", f"--output={tmp_path / 'package'}"]) == 0
    assert "padimkit plugins check recipes/fresh-start" in capsys.readouterr().out
    package = tmp_path / "package"
    files = sorted(path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file())
    assert files == [
        ".github/workflows/test.yml",
        "LICENSE",
        "README.md",
        "fresh_start/__init__.py",
        "fresh_start/fresh-start.yaml",
        "pyproject.toml",
        "tests/test_fresh_start.py",
    ]
    text = "".join((package / file).read_text() for file in files)
    assert not re.search("my.plugin|MyPlugin", text)
    assert '[project.entry-points."padimkit.recipes"]\nfresh-start = "fresh_start"\n' in text
    check_recipe(str(package / "fresh_start" / "fresh-start.yaml"))


def test_the_name_of_another_recipe_is_taken(tmp_path):
    with pytest.raises(BadArgument, match='"padim-r18" is taken: there is a recipe of this name'):
        write_starter(RECIPE, "padim-r18", tmp_path / "package")
    assert list(tmp_path.iterdir()) == []
