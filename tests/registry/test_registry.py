import os
import shutil
import subprocess
import sys

import pytest

from padimkit.cli.main import main
from padimkit.cli.plugins.inspection import inspect
from padimkit.contracts import Reducer
from padimkit.errors import AmbiguousPlugin, BadArgument, BrokenPlugin, UnknownPlugin
from padimkit.reducers.pca import PCA
from padimkit.registry.families import FAMILIES
from padimkit.registry.registry import Registry


def plugin(family, name):
    return next(plugin for plugin in Registry(family).plugins() if plugin.name == name)


def test_built_ins_are_found_by_entry_point():
    assert Registry("reducers").load("pca") is PCA
    assert set(Registry("metrics").names()) >= {"image_auroc", "pixel_auroc", "pro"}
    assert Registry("reducers").load("padimkit:pca") is PCA


@pytest.mark.parametrize("family", [family.plural for family in FAMILIES])
def test_every_built_in_loads_and_has_no_fault(family):
    for name in Registry(family).names():
        assert inspect(Registry(family).find(name)).fault == ""
        assert Registry(family).name_of(Registry(family).load(name)) == name


def test_a_strangers_class_is_loaded_and_named(install):
    module = "from padimkit.reducers.identity import Identity\nclass Mine(Identity): pass"
    install("stranger", {"mine": "stranger_package:Mine"}, {"stranger_package": module})
    found = Registry("reducers").load("mine")
    assert issubclass(found, Reducer)
    assert Registry("reducers").name_of(found) == "mine"


def test_listing_imports_nothing(install):
    install("stranger", {"mine": "stranger_noisy:Mine"}, {"stranger_noisy": "raise SystemExit('imported')"})
    assert "mine" in Registry("reducers").names()
    assert "stranger_noisy" not in sys.modules


def test_an_unknown_name_is_refused_with_near_misses():
    with pytest.raises(
        UnknownPlugin, match=r"\"random_chanels\" .*\"reducers\".*'random_channels'.*padimkit plugins list"
    ):
        Registry("reducers").load("random_chanels")


def test_two_distributions_with_one_name_must_be_told_apart(install):
    module = {"twin": "from padimkit.reducers.identity import Identity as Twin"}
    install("first", {"twin": "twin:Twin"}, module)
    install("second", {"twin": "twin:Twin"})
    with pytest.raises(AmbiguousPlugin, match='"first:twin", "second:twin"'):
        Registry("reducers").load("twin")
    assert {"first:twin", "second:twin"} <= set(Registry("reducers").names())
    assert Registry("reducers").load("second:twin").__name__ == "Identity"


def test_a_plugin_that_cannot_be_imported_harms_no_other(install):
    install("stranger", {"sick": "stranger_sick:Sick"}, {"stranger_sick": "import no_such_module_here"})
    with pytest.raises(
        BrokenPlugin, match=r'"sick" \(reducers\) of stranger 1.5 .*ModuleNotFoundError.*no_such_module_here'
    ):
        Registry("reducers").load("sick")
    assert Registry("reducers").load("pca") is PCA


def test_a_plugin_that_exits_on_import_is_broken(install):
    install("stranger", {"rude": "stranger_rude:Rude"}, {"stranger_rude": "raise SystemExit('bye')"})
    with pytest.raises(BrokenPlugin, match="SystemExit: bye"):
        Registry("reducers").load("rude")


def test_the_wrong_kind_is_refused(install):
    install("stranger", {"wrong": "stranger_wrong:Wrong"}, {"stranger_wrong": "class Wrong: pass"})
    with pytest.raises(BrokenPlugin, match=r"expected a subclass of padimkit\.contracts\.Reducer"):
        Registry("reducers").load("wrong")


def test_another_contract_version_is_seen_without_importing(install):
    install("stranger", {"later": "nowhere:Later"}, group="padimkit.reducers.v2")
    assert inspect(plugin("reducers", "later")).fault == "made for contract version 2, this is 1"
    with pytest.raises(
        BrokenPlugin,
        match="made for version 2 of the contracts, and this padimkit has version 1: upgrade padimkit.$",
    ):
        Registry("reducers").load("later")


def test_a_missing_module_and_bad_syntax_are_seen_without_importing(install):
    install(
        "stranger",
        {"gone": "stranger_gone:Gone", "below": "padimkit.no_such:Gone", "bad": "stranger_bad:Bad"},
        {"stranger_bad": "class Bad(:"},
    )
    assert inspect(plugin("reducers", "gone")).fault == 'broken: the module "stranger_gone" does not exist'
    assert (
        inspect(plugin("reducers", "below")).fault == 'broken: the module "padimkit.no_such" does not exist'
    )
    assert inspect(plugin("reducers", "bad")).fault.startswith("broken: invalid syntax")


def test_a_module_below_packages_without_init_is_found_without_importing_them(install, tmp_path):
    install("stranger", {"deep": "outer.inner.part:Part", "gone": "outer.inner.other:Part"})
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    (tmp_path / "outer" / "inner" / "part.py").write_text("raise RuntimeError('imported')")
    assert inspect(plugin("reducers", "deep")).fault == ""
    assert "outer.inner.other" in inspect(plugin("reducers", "gone")).fault


def test_an_extra_that_is_not_installed_is_named(install):
    install(
        "stranger",
        {"rich": "stranger_extra:Rich [fancy]"},
        {"stranger_extra": "import no_such_library"},
        requires=["no-such-library>=2; extra == 'fancy'"],
    )
    assert inspect(plugin("reducers", "rich")).fault == "needs no-such-library: pip install 'stranger[fancy]'"
    with pytest.raises(BrokenPlugin, match=r"Install it with: pip install 'stranger\[fancy\]'"):
        Registry("reducers").load("rich")


def test_the_table_of_plugins_shows_how_to_install_an_extra(install, capsys):
    install(
        "stranger", {"rich": "stranger_extra:Rich [fancy]"}, requires=["no-such-library; extra == 'fancy'"]
    )
    assert main(["plugins"]) == 0
    assert "needs no-such-library: pip install 'stranger[fancy]'" in capsys.readouterr().out


def test_one_distribution_may_serve_two_contract_versions(install, tmp_path):
    install("stranger", {"both": "stranger_both:Both"}, {"stranger_both": "from padimkit import PCA as Both"})
    entries = tmp_path / "stranger-1.5.dist-info" / "entry_points.txt"
    entries.write_text(entries.read_text() + "[padimkit.reducers.v2]\nboth = stranger_both:Later\n")
    assert Registry("reducers").load("both") is PCA


def test_importing_padimkit_and_listing_plugins_import_no_torch():
    code = (
        "import sys, padimkit, padimkit.cli.main\n"
        "assert padimkit.cli.main.main(['plugins']) == 0\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_what_is_installed_or_removed_meanwhile_is_seen(install, tmp_path):
    before = Registry("reducers").names()
    install("late", {"late": "late_module:Late"})
    install("later", {"later": "late_module:Later"})
    assert set(Registry("reducers").names()) == {*before, "late", "later"}
    shutil.rmtree(tmp_path / "late-1.5.dist-info")
    assert set(Registry("reducers").names()) == {*before, "later"}
    entry_points = tmp_path / "later-1.5.dist-info" / "entry_points.txt"
    entry_points.unlink()
    entry_points.write_text("[padimkit.reducers]\nlast = late_module:Last\n")
    assert set(Registry("reducers").names()) == {*before, "last"}


def test_a_folder_on_the_path_that_cannot_be_listed_harms_no_other(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    real = os.scandir

    def scandir(path):
        if str(path) == str(tmp_path):
            raise PermissionError("denied")
        return real(path)

    monkeypatch.setattr("os.scandir", scandir)
    assert "pca" in Registry("reducers").names()


def test_a_family_is_known_by_both_its_names_and_another_is_refused():
    assert Registry("density").find("gaussian") == Registry("densities").find("gaussian")
    with pytest.raises(BadArgument, match='There is no family "densitys". Did you mean'):
        Registry("densitys")
