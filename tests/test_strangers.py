"""Packages of strangers, one for each family, built as wheels and installed in an environment of their own.

Beside them is what the template of an earlier version wrote: its plugins run as they are.
"""

import json
import re
import shutil

import pytest
import yaml
from filelock import FileLock
from fresh_environment import ROOT, FreshEnvironment

from padimkit import BadModel, load
from padimkit.benchmark.store import read_all
from padimkit.registry.families import FAMILIES, find_family

STRANGERS = ROOT / "tests" / "strangers"
HELPER = ROOT / "tests" / "helpers" / "use_strangers.py"
OWN = {
    "backbones": "edges",
    "reducers": "rotation",
    "densities": "laplace",
    "metrics": "precision_at_n",
    "datasets": "dots",
    "levels": "stack",
    "maps": "squares",
    "preprocessors": "mirror",
    "sections": "tally",
    "exporters": "program",
}
PARTS = [family.plural for family in FAMILIES if family.module == "padimkit.contracts"]
OLD = {name: f"old_{find_family(name).singular}" for name in PARTS}  # the families of version 0.1
SUITE = {
    "name": "strange",
    "pipelines": [
        {
            "name": "strange",
            "recipe": "strange-ring",
            "set": {"density.init_args.progress": "progress.txt", "backbone.init_args.side": 5},
        },
        {
            "name": "old",
            "pipeline": {
                "backbone": "old_backbone",
                "reducer": "old_reducer",
                "density": "old_density",
                "levels": "old_levels",
                "map": "old_map",
                "preprocessing": {"first": "old_preprocessor", "resize": 32, "crop": 32},
            },
        },
    ],
    "datasets": ["dots", "old_dataset"],
    "metrics": ["precision_at_n", "old_metric", "image_auroc"],
    "threads": 1,
}


@pytest.fixture(scope="module")
def used(common):
    """The folder in which a process has used all of them, and all that it has printed, by command."""
    folder = common / "strangers"
    said = folder / "said.txt"
    with FileLock(f"{folder}.lock"):
        if not said.exists():
            said.write_text(_used_in(folder))
    _, *parts = re.split(r"^\$ padimkit (.*)\n", said.read_text(), flags=re.MULTILINE)
    return folder, dict(zip(parts[::2], parts[1::2], strict=True))


def _used_in(folder):
    shutil.rmtree(folder, ignore_errors=True)  # of a try that failed
    folder.mkdir()
    fresh = FreshEnvironment(folder / "environment")
    fresh.install(fresh.build(sorted(STRANGERS.iterdir()), folder / "wheels"))
    (folder / "suite.yaml").write_text(yaml.safe_dump(SUITE))
    names = [f"{family}/{name}" for named in (OWN, OLD) for family, name in named.items()]
    return fresh.run(HELPER, folder, *names, "recipes/strange-ring")


def test_each_family_has_a_stranger():
    assert OWN.keys() == {family.plural for family in FAMILIES}


def test_all_are_listed_by_their_distributions(used):
    listed = used[1]["plugins list"]
    for family, name in OWN.items():
        assert re.search(rf"^{family} +{name} +strange-[a-z]+ +2\.3  ", listed, re.MULTILINE)
    assert "Recipes of strange-recipes: strange-ring" in listed
    assert not re.search(r"(strange-|template-).*broken", listed)


def test_all_pass_every_check(used):
    found = {name: text.splitlines()[-1] for name, text in used[1].items() if " check " in name}
    assert len(found) == len(OWN) + len(OLD) + 1
    assert all(re.fullmatch(r"\d+ passed, 0 failed, \d+ skipped", last) for last in found.values()), found


def test_a_suite_makes_records_that_tell_what_made_them(used):
    records = read_all(used[0] / "records")
    assert [record.failure for record in records] == [None] * 4
    strange = [record for record in records if record.cell.method == "strange"]
    assert {one.cell.dataset for one in strange} == {"dots", "old_dataset"}
    (dots,) = [one for one in strange if one.cell.dataset == "dots"]
    assert dots.metrics["precision_at_n"] == 1
    assert dots.cell.versions.items() >= {"strange-laplace": "2.3", "strange-dots": "2.3"}.items()
    assert {plugin["distribution"] for plugin in dots.plugins} >= {
        f"strange-{n}" for n in ("edges", "mirror")
    }


def test_each_cell_writes_into_its_own_folder(used):
    written = {path.parent.name: path.read_text() for path in used[0].glob("records/work/*/*")}
    strange = [one for one in read_all(used[0] / "records") if one.cell.method == "strange"]
    assert written == {one.key: "2 of 2" for one in strange}


def test_a_report_shows_them(used):
    page = used[1]["report records --format=markdown"]
    for word in (
        "4 cells finished",
        "| strange |",
        "precision\\_at\\_n",
        "old\\_metric",
        "dots",
        "Cells of each method",
    ):
        assert word in page


def test_a_record_is_repeated_with_the_same_values(used):
    (again,) = [text for words, text in used[1].items() if words.startswith("benchmark --record")]
    assert "The metric values are exactly those of the record: 3 metrics." in again


def test_a_stored_model_is_used_there_and_refused_where_its_parts_are_missing(used):
    result = json.loads((used[0] / "result.json").read_text())
    assert result["metrics"]["precision_at_n"] == 1
    with pytest.raises(BadModel, match="strange-"):
        load(used[0] / "model")
