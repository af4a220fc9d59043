"""Files of others may name classes that are no plugins only where they are trusted: their code would run."""

import json

import pytest
import yaml

from padimkit import load_recipe
from padimkit.benchmark.planning.suite import Suite
from padimkit.cli.main import main
from padimkit.config.commands import EVALUATE, FIT, evaluate_parser, fit_parser
from padimkit.config.parser import parse_pipeline
from padimkit.errors import BadConfig

PIPELINE = {"backbone": "pixels", "reducer": "identity", "density": "gaussian"}
OTHERS = """
from pathlib import Path

import padimkit

Path(__file__).with_name("imported").touch()

class Reducer(padimkit.Identity):
    pass

class Data(padimkit.Folder):
    pass

class Metric(padimkit.ImageAUROC):
    pass

class Estimator:
    pass
"""
ESTIMATOR = {"class_path": "scikit_learn", "init_args": {"estimator": {"class_path": "others.Estimator"}}}
CHANGES = {
    "reducer": {"pipeline": PIPELINE | {"reducer": "others.Reducer"}},
    "class path": {"pipeline": PIPELINE | {"reducer": {"class_path": "others.Reducer"}}},
    "within an argument": {"pipeline": PIPELINE | {"reducer": ESTIMATOR}},
    "data": {"pipeline": PIPELINE, "data": {"class_path": "others.Data", "init_args": {"normal": "good"}}},
    "metrics": {"pipeline": PIPELINE, "metrics": ["image_auroc", "others.Metric"]},
}


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """The file that is there once the module of somebody else, which is on the path, was imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "others", raising=False)
    (tmp_path / "others.py").write_text(OTHERS)
    return tmp_path / "imported"


@pytest.fixture
def written(tmp_path):
    def written(content, name="theirs.yaml"):
        (tmp_path / name).write_text(yaml.safe_dump(content))
        return tmp_path / name

    return written


def parsed(*words):
    return parse_pipeline(evaluate_parser(), EVALUATE, [str(word) for word in words])[0]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("before", [(), ("padim-filter-bank", "--config")], ids=["recipe", "config"])
def test_settings_in_a_file_need_trust_to_name_classes(imported, written, change, before):
    path = written({"data": "synthetic", "device": "cpu"} | change)
    with pytest.raises(BadConfig, match=rf'"{path}": ".*others\..*Its code would run: pass --trust'):
        parsed(*before, path)
    assert not imported.exists()
    if change is not CHANGES["within an argument"]:  # which the adapter imports when it is fitted
        parsed(*before, path, "--trust")
        assert imported.exists()


@pytest.mark.parametrize("word", ["--conf", "--c"])
def test_no_short_form_of_an_option_reads_a_file_past_the_check(imported, written, word):
    data = {"class_path": "padimkit.datasets.folder.Folder", "init_args": {"normal": "good"}}
    path = written(CHANGES["reducer"] | {"data": data})
    for words in ([word, path], [f"{word}={path}"]):
        with pytest.raises(BadConfig):
            parsed(*words)
    assert not imported.exists()


@pytest.mark.parametrize("group", ["preprocessing", "map", "augmentation"])
def test_no_option_of_a_group_reads_a_file_past_the_check(imported, written, group):
    path = written({"class_path": "others.Reducer"})
    for words in ([f"--pipeline.{group}", path], [f"--pipeline.{group}={path}"]):
        with pytest.raises(
            BadConfig, match=f'"pipeline.{group}" is .*expected keys and|is "{path}"; expected the name'
        ):
            parsed(*words, "--data=synthetic")
    assert not imported.exists()
    values = parsed("--pipeline.preprocessing={resize: 40, crop: 32}", "--data=synthetic").pipeline
    assert (values.preprocessing.resize, values.preprocessing.crop) == (40, 32)


def test_fit_and_python_need_it_too(imported, written):
    path = written(CHANGES["reducer"])
    with pytest.raises(
        BadConfig, match='theirs.yaml": "pipeline.reducer" names "others.Reducer".*trust=True'
    ):
        load_recipe(path)
    with pytest.raises(BadConfig, match="pass --trust"):
        parse_pipeline(fit_parser(""), FIT, [str(path), "--data=synthetic"])
    assert not imported.exists()
    assert type(load_recipe(path, trust=True).reducer).__name__ == "Reducer"


def test_what_stands_on_the_command_line_is_ones_own(imported):
    found = parsed("--pipeline.reducer=others.Reducer", "--data=synthetic")
    assert found.pipeline.reducer.class_path == "others.Reducer" and imported.exists()


@pytest.mark.parametrize(
    "reducer", ["identity", "padimkit:identity", "padimkit.reducers.identity.Identity"], ids=str
)
def test_installed_plugins_need_none_however_they_are_named(written, reducer):
    levels = {"levels": "padimkit.pipeline.levels.Joint"}
    assert load_recipe(written({"pipeline": PIPELINE | {"reducer": reducer} | levels})).reducer is not None


def test_installed_recipes_need_none(imported, install, tmp_path, written):
    install("good-cook", {"cook": "cook"}, group="padimkit.recipes")
    (tmp_path / "cook").mkdir()
    written(CHANGES["reducer"], "cook/stew.yaml")
    assert type(load_recipe("stew").reducer).__name__ == "Reducer"
    parsed("stew", "--data=synthetic")


def test_a_file_cannot_trust_itself(imported, written):
    path = written(CHANGES["reducer"] | {"data": "synthetic", "trust": True})
    with pytest.raises(BadConfig, match='theirs.yaml": "trust" is not for files.*pass --trust'):
        parsed(path)
    assert not imported.exists()
    parsed(
        written({"pipeline": PIPELINE, "data": "synthetic", "trust": False})
    )  # as --print_config writes it


@pytest.fixture
def folders(stripes):
    good, bad = stripes / "stripes" / "train" / "good", stripes / "stripes" / "test" / "spot"
    return {"class_path": "folder", "init_args": {"normal": str(good), "anomalous": str(bad)}}


def suite_of(folders, **method):
    given = {"name": "own", "pipeline": PIPELINE} | method
    return {"name": "small", "pipelines": [given], "datasets": [folders], "metrics": ["image_auroc"]}


SUITES = {
    "pipeline": lambda folders: suite_of(folders, pipeline=PIPELINE | {"reducer": "others.Reducer"}),
    "set": lambda folders: suite_of(folders, set={"reducer": "others.Reducer"}),
    "set its class path": lambda folders: suite_of(folders, set={"reducer.class_path": "others.Reducer"}),
    "grid": lambda folders: suite_of(
        folders, grid={"reducer": ["identity", {"class_path": "others.Reducer"}]}
    ),
    "within an argument": lambda folders: suite_of(folders, set={"reducer": ESTIMATOR}),
    "metrics": lambda folders: suite_of(folders) | {"metrics": ["others.Metric"]},
    "datasets": lambda folders: suite_of(folders | {"class_path": "others.Data"}),
    "a recipe": lambda folders: suite_of(folders, pipeline=None, recipe="theirs.yaml"),
    "a text of a recipe": lambda folders: suite_of(
        folders, pipeline=None, recipe="texts.yaml", set={"reducer": "others.Reducer"}
    ),
}


@pytest.mark.parametrize("content", SUITES.values(), ids=SUITES)
def test_a_suite_needs_trust_to_name_classes(
    imported, written, folders, content, monkeypatch, tmp_path, capsys
):
    monkeypatch.chdir(tmp_path)
    written(CHANGES["reducer"])
    timm = {"class_path": "timm", "init_args": {"model": "others.Reducer", "layers": ["others.Reducer"]}}
    written({"pipeline": PIPELINE | {"backbone": timm}}, "texts.yaml")  # where it names no class
    found = content(folders)
    if found["pipelines"][0]["pipeline"] is None:
        del found["pipelines"][0]["pipeline"]
    path = written(found, "suite.yaml")
    assert main(["benchmark", str(path), "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert f'"{path}"' in said and "others." in said and "pass --trust" in said and not imported.exists()
    if "scikit_learn" not in str(found) and "texts" not in str(found):  # which cannot be fitted
        assert Suite.read(path, trust=True).planned and imported.exists()


def test_a_suite_needs_none_for_texts_of_a_group_that_name_no_class(written, folders):
    turned = {"augmentation": {"transforms": ["RandomRotation(degrees=2)"]}}
    (planned,) = Suite.read(written(suite_of(folders, set=turned), "suite.yaml")).planned
    assert planned.cell.settings["pipeline"]["augmentation"]["transforms"] == ["RandomRotation(degrees=2)"]


def test_a_record_needs_trust_to_name_classes(imported, written, folders, tmp_path, capsys, in_this_process):
    path = written(suite_of(folders, set={"reducer": "others.Reducer"}), "suite.yaml")
    assert main(["benchmark", str(path), "--trust", f"--output={tmp_path / 'out'}"]) == 0
    (record,) = (path for path in (tmp_path / "out").glob("*.json") if not path.name.startswith("."))
    assert (
        json.loads(record.read_text())["cell"]["settings"]["pipeline"]["reducer"]["class_path"]
        == "others.Reducer"
    )
    imported.unlink()
    capsys.readouterr()
    assert main(["benchmark", "--record", str(record)]) != 0
    said = capsys.readouterr().err
    assert f'"{record}"' in said and '"others.Reducer"' in said and "pass --trust" in said
    assert main(["benchmark", "--record", str(record), "--trust"]) == 0
