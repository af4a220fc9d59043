"""What a name means does not depend on what else is installed, neither in settings nor in a stored model."""

import json
import shutil

import pytest
import torch
import yaml

from padimkit import load, load_recipe, save
from padimkit.cli.main import main
from padimkit.config.recipes import faults as recipe_faults
from padimkit.densities.gaussian import Gaussian
from padimkit.errors import BadConfig, BadModel, BrokenPlugin, UnknownPlugin
from padimkit.files.packages import offered_files
from padimkit.metrics.pro import PRO
from padimkit.reducers.pca import PCA
from padimkit.registry.recipes import GROUP, find_recipe, recipes
from padimkit.registry.registry import Registry, find_plugin
from padimkit.storage.providers import providers
from padimkit.values import Batch

FAR = """
    import torch
    from padimkit import DensityModel, Scores

    class Far(DensityModel):
        def fit(self, stream): self.mean = sum(e.patches.sum(0) for e in stream)
        def score(self, embedding): return Scores({sign} * (embedding.patches - self.mean).abs().sum(1))
        def state_dict(self): return {{"mean": self.mean}}
        def load_state_dict(self, state): self.mean = state["mean"]
"""
TAKEN = {"densities": "gaussian", "metrics": "pro", "datasets": "synthetic", "reducers": "random_channels"}


@pytest.fixture
def rude(install):
    """A distribution for each of four families whose plugin has the name of one of padimkit's."""
    for family, name in TAKEN.items():
        install(f"a-rude-{family}", {name: "nowhere:Rude"}, group=f"padimkit.{family}")


@pytest.fixture
def far(install, tmp_path):
    """Installs and removes distributions with the density "far", which is a class of its own in each."""

    def far(distribution, sign=1):
        module = distribution.replace("-", "_")
        install(distribution, {"far": f"{module}:Far"}, {module: FAR.format(sign=sign)}, "padimkit.densities")

    return far


@pytest.fixture
def model(far, tmp_path):
    """A stored model whose density is "far" of the distribution first-far."""
    far("first-far")
    pipeline = load_recipe(settings(tmp_path, density="far"))
    images = torch.linspace(0, 1, 6 * 3 * 64).reshape(6, 3, 8, 8)
    pipeline.fit([Batch(images, tuple("abcdef"))])
    save(pipeline, tmp_path / "model")
    return tmp_path / "model"


def settings(folder, **parts):
    chosen = {"backbone": "pixels", "reducer": "identity", "density": "gaussian"} | parts
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump({"pipeline": chosen | {"preprocessing": {"resize": 8, "crop": 8}}}))
    return path


def test_a_name_of_padimkit_is_its_own_whatever_is_installed(rude):
    assert Registry("densities").load("gaussian") is Gaussian and Registry("metrics").load("pro") is PRO
    assert find_plugin("gaussian").distribution == "padimkit"
    assert Registry("densities").name_of(Gaussian) == "gaussian"
    assert {"gaussian", "a-rude-densities:gaussian"} <= set(Registry("densities").names())
    assert Registry("densities").find("a-rude-densities:gaussian").distribution == "a-rude-densities"


def test_a_name_that_several_have_is_one_near_miss(rude):
    with pytest.raises(UnknownPlugin) as caught:
        Registry("densities").find("gausian")
    assert str(caught.value).count("'gaussian'") == 1


def test_a_second_name_for_a_class_of_padimkit_is_not_used(install):
    install("a-rude", {"aaa": "padimkit.reducers.pca:PCA", "pca": "padimkit.reducers.pca:PCA"})
    assert Registry("reducers").name_of(PCA) == "pca"


def test_commands_and_recipes_do_not_mind_plugins_of_the_same_names(rude, capsys):
    for command in ("fit", "evaluate", "benchmark"):
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
    capsys.readouterr()
    with pytest.raises(SystemExit, match="0"):
        main(["evaluate", "padim-filter-bank", "--data=synthetic", "--metrics=pro", "--print_config"])
    shown = yaml.safe_load(capsys.readouterr().out)
    assert (shown["pipeline"]["density"]["class_path"], shown["data"]["class_path"]) == (
        "gaussian",
        "synthetic",
    )
    assert type(load_recipe("padim-filter-bank").density) is Gaussian


def test_a_stored_model_of_built_ins_does_not_mind_them_either(install, tmp_path):
    pipeline = load_recipe(settings(tmp_path))
    pipeline.fit([Batch(torch.rand(4, 3, 8, 8), tuple("abcd"))])
    save(pipeline, tmp_path / "model")
    install("a-rude", {"gaussian": "nowhere:Rude"}, group="padimkit.densities")
    assert type(load(tmp_path / "model").density) is Gaussian


def test_the_list_says_how_a_plugin_with_a_name_of_padimkit_is_used(rude, capsys):
    assert main(["plugins", "list"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "a-rude-metrics  " in line]
    assert row.split()[1] == "a-rude-metrics:pro"


def test_a_recipe_of_padimkit_keeps_its_name(install, tmp_path):
    install("a-cook", {"cook": "cook"}, group="padimkit.recipes")
    (tmp_path / "cook").mkdir()
    shutil.copy(find_recipe("padim-r18"), tmp_path / "cook" / "spade-r18.yaml")
    assert {"spade-r18", "a-cook:spade-r18"} <= set(recipes())
    assert (
        find_recipe("spade-r18").parent.name == "recipes"
        and find_recipe("a-cook:spade-r18").parent.name == "cook"
    )


def test_a_model_finds_its_parts_where_another_distribution_has_one_of_the_same_name(model, far):
    far("second-far", sign=-1)
    density = load(model).density
    assert type(density).__module__ == "first_far"
    save(load(model), model.parent / "again")  # now by its full name
    assert type(load(model.parent / "again").density).__module__ == "first_far"


def test_a_model_refuses_the_part_of_another_distribution(model, far, tmp_path):
    shutil.rmtree(tmp_path / "first_far-1.5.dist-info")
    with pytest.raises(BadModel, match=r'"far" \(densities\) of first-far 1.5, which is not installed.$'):
        load(model)
    far("second-far", sign=-1)
    with pytest.raises(
        BadModel, match="That of second-far 1.5 is another part of this name, and is not used"
    ):
        load(model)


def test_a_part_that_the_manifest_does_not_list_is_padimkits_or_refused(model):
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["plugins"] = [one for one in manifest["plugins"] if one["name"] != "far"]
    (model / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadModel, match='No plugin "padimkit:far"'):
        load(model)


@pytest.mark.parametrize("plugins", ["far", [["far"]], [{"name": "far"}], [{"family": 1}]])
def test_a_manifest_that_does_not_say_which_plugins_is_refused(model, plugins):
    manifest = json.loads((model / "manifest.json").read_text())
    (model / "manifest.json").write_text(json.dumps(manifest | {"plugins": plugins}))
    with pytest.raises(BadModel, match="does not say in texts which plugins"):
        load(model)


def test_of_two_parts_of_one_name_in_a_model_the_short_name_is_padimkits(rude, tmp_path):
    both = [
        {"family": "densities", "name": "gaussian", "distribution": one, "version": "0"}
        for one in ("a-rude-densities", "padimkit")
    ]
    for plugins in (both, both[::-1]):
        assert providers({"plugins": plugins}, tmp_path) == {("densities", "gaussian"): "padimkit"}


def test_another_version_of_a_part_is_a_warning(model, tmp_path, caplog):
    metadata = tmp_path / "first_far-1.5.dist-info" / "METADATA"
    load(model)
    assert caplog.messages == []
    metadata.write_text(metadata.read_text().replace("1.5", "2.0"))
    (tmp_path / "first_far-1.5.dist-info" / "touched").touch()  # as an installation does
    load(model)
    (message,) = caplog.messages
    assert message == f'"{model}" was made with first-far 1.5, and 2.0 is installed: its scores may differ.'


def test_groups_that_mean_nothing_are_listed(install, capsys):
    install("slip", {"mine": "slip:Mine"}, group="padimkit.density")
    install("near", {"mine": "slip:Mine"}, group="padimkt.metrics.v2")
    install("none", {"mine": "slip:Mine"}, group="padimkit.reducers.v0")
    install("other", {"mine": "slip:Mine"}, group="pytest11")
    install("padimkit-own", {"mine": "slip:Mine"}, group="padimkit_own.networks")
    assert main(["plugins", "list"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert (
        "slip" in rows["padimkit.density"] and "Did you mean 'padimkit.densities'" in rows["padimkit.density"]
    )
    assert "Did you mean 'padimkit.metrics'" in rows["padimkt.metrics.v2"]
    assert "Did you mean 'padimkit.reducers'" in rows["padimkit.reducers.v0"]
    assert "mine" not in Registry("reducers").names()
    assert not {"pytest11", "console_scripts", "padimkit_own.networks"} & rows.keys()


def test_packages_without_recipes_and_recipes_that_cannot_be_used_are_listed(
    install, tmp_path, capsys, monkeypatch
):
    install("empty-cook", {"empty": "nowhere.recipes"}, group="padimkit.recipes")
    install("bad-cook", {"bad": "bad_cook"}, group="padimkit.recipes")
    (tmp_path / "bad_cook").mkdir()
    for name, text in {"burnt": "pipeline: {density: gausian}", "raw": "data: folder", "split": "{"}.items():
        (tmp_path / "bad_cook" / f"{name}.yaml").write_text(text)
    assert main(["plugins", "list"]) == 0
    assert 'There is no recipe, a YAML file, in the package "nowhere.recipes"' in capsys.readouterr().out
    few = [pair for pair in offered_files(GROUP) if pair[1].distribution == "bad-cook"]  # all take seconds
    monkeypatch.setattr("padimkit.config.recipes.offered_files", lambda group: few)
    faults = {name: fault for name, _, _, fault in recipe_faults()}
    assert "'gaussian'" in faults["burnt"] and "cannot be read" in faults["split"]
    assert faults["raw"] == 'It has no section "pipeline".'


@pytest.mark.parametrize("name", ["a.b", "a:b", "a/b", "-a", "a b"])
def test_a_name_that_settings_cannot_hold_is_listed_as_broken(install, name, capsys):
    install("odd", {name: "padimkit:PCA"})
    assert main(["plugins", "list"]) == 0
    assert f'broken: "{name}" cannot be named in settings' in capsys.readouterr().out


def test_methods_that_a_class_lacks_are_named_when_it_is_loaded(install, tmp_path):
    module = """
        from padimkit import DensityModel, Updatable
        class Half(DensityModel, Updatable):
            def fit(self, stream): pass
            def state_dict(self): return {}
            def load_state_dict(self, state): pass
    """
    install("half", {"half": "half_density:Half"}, {"half_density": module}, "padimkit.densities")
    lacking = r'lacks "score" \(DensityModel\) and "update" \(Updatable\)'
    with pytest.raises(BrokenPlugin, match=rf'Plugin "half" \(densities\) of half 1.5: .* {lacking}'):
        Registry("densities").load("half")
    with pytest.raises(BadConfig, match=lacking):
        load_recipe(settings(tmp_path, density="half_density.Half"))
