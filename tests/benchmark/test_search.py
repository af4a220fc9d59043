"""Searches on held-out test images, with Optuna where a sampler is needed."""

import sys
from dataclasses import replace

import pytest
import yaml

from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.planning.suite_file import SuiteFile
from padimkit.benchmark.record import Failure
from padimkit.benchmark.search import Trial, best, search
from padimkit.benchmark.store import plans, read_all, write
from padimkit.cli.main import main
from padimkit.errors import BadArgument, BadConfig

PIPELINE = {"backbone": "pixels", "reducer": "identity", "density": "gaussian"}
PIPELINE |= {"preprocessing": {"resize": 16, "crop": None}}
ASKED = {"metric": "pixel_auroc", "values": {"map.sigma": {"low": 0.5, "high": 4.0}}, "trials": 2}


@pytest.fixture
def file(stripes, tmp_path):
    """Writes a suite that is searched; values replace those of the file."""

    def file(**changes):
        data = {"class_path": "mvtec", "init_args": {"root": str(stripes)}, "categories": ["stripes"]}
        content = {
            "name": "small",
            "pipelines": [{"name": "mine", "pipeline": PIPELINE}],
            "datasets": [data | {"part": "search"}],
            "metrics": ["pixel_auroc"],
            "search": ASKED,
        } | changes
        path = tmp_path / "search.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
        return path

    return file


def test_a_search_finds_the_best_and_its_records_are_those_of_suites(file, tmp_path, capsys, in_this_process):
    output = tmp_path / "records"
    assert main(["search", str(file()), f"--output={output}"]) == 0
    said = capsys.readouterr().out
    records = read_all(output)
    assert len(records) == 2
    by_value = {
        record.cell.settings["pipeline"]["map"]["sigma"]: record.metrics["pixel_auroc"] for record in records
    }
    found = yaml.safe_load(said[said.index("set:") :])["set"]
    assert by_value[found["map.sigma"]] == max(by_value.values())
    assert all(record.cell.method == f"mine, map.sigma {value}" for record, value in _by_sigma(records))
    assert [len(plan.titles) for plan in plans(output)] == [2]
    assert {record.facts.test_images for record in records} == {4}  # of 8


def _by_sigma(records):
    return [(record, record.cell.settings["pipeline"]["map"]["sigma"]) for record in records]


def test_a_search_that_was_interrupted_goes_on(file, tmp_path, in_this_process, monkeypatch):
    trials = search(SuiteFile.read(file()), tmp_path / "a")
    first = [next(trials)]
    trials.close()
    again = list(search(SuiteFile.read(file()), tmp_path / "a"))
    assert again[:1] == first and len(read_all(tmp_path / "a")) == 2
    other = {**ASKED, "seed": 1, "trials": 1}
    assert next(search(SuiteFile.read(file(search=other)), tmp_path / "b")).values != first[0].values


def test_the_report_sees_none_of_the_images_of_the_search(file, stripes):
    data = {"class_path": "mvtec", "init_args": {"root": str(stripes)}, "categories": ["stripes"]}
    seen = []
    for part in ("search", "report"):
        (planned,) = Suite.read(file(datasets=[data | {"part": part}], search=None, seeds=[0])).planned
        arguments = planned.cell.settings["data"]["init_args"]
        assert arguments["part"] == part and arguments["split_seed"] == 0
        seen.append(planned.facts.fingerprint)
    assert len(set(seen)) == 2


def test_lower_is_better_where_it_is_and_failures_have_no_result(file, tmp_path, in_this_process):
    reduced = PIPELINE | {"reducer": {"class_path": "random_channels", "init_args": {"keep": 2}}}
    given = file(
        search={"metric": "false_alarms", "values": {"reducer.keep": [2, 9]}, "trials": 3},
        pipelines=[{"name": "mine", "pipeline": reduced}],
        calibration={},
        seeds=[0],
    )
    trials = list(search(SuiteFile.read(given), tmp_path / "a"))
    known = {trial.values["reducer.keep"]: trial for trial in trials}
    assert known[9].result is None and "9" in known[9].reason and known[2].goodness == -known[2].result
    trials = [Trial({}, 0.2, goodness=-0.2), Trial({}, None, "no"), Trial({}, 0.1, goodness=-0.1)]
    assert best(trials) is trials[2] and best(trials[1:2]) is None


def test_failed_trials_are_tried_again_and_records_get_the_names_of_a_renamed_search(
    file, tmp_path, in_this_process
):
    asked = {**ASKED, "trials": 1}
    (first,) = search(SuiteFile.read(file(search=asked)), tmp_path)
    (record,) = read_all(tmp_path)
    failure = Failure("killed", "Gone.", "", "fit")
    write(replace(record, metrics={}, failure=failure), tmp_path)
    renamed = SuiteFile.read(
        file(search=asked, name="other", pipelines=[{"name": "new", "pipeline": PIPELINE}])
    )
    (second,) = search(renamed, tmp_path)
    assert second.result is None and second.reason.endswith("Gone.")
    (kept,) = read_all(tmp_path)
    assert kept.cell.suite == "other" and kept.cell.method.startswith("new, map.sigma")
    (third,) = search(renamed, tmp_path, retry_failed=True)
    assert third == first and read_all(tmp_path)[0].failure is None


SEVERAL = """
from padimkit import ImageAUROC, NamedValues

class Several(ImageAUROC, NamedValues):
    directions = {"lost": False}
    def named_values(self):
        return {"lost": 1 - self.compute()}
"""


def test_values_that_a_metric_names_and_whole_parts_are_searched(file, install, tmp_path, in_this_process):
    points, module = {"several": "several_module:Several"}, {"several_module": SEVERAL}
    install("several", points, module, group="padimkit.metrics")
    parts = ["identity", {"class_path": "random_channels", "init_args": {"keep": 1}}]
    asked = {"metric": "several.lost", "values": {"reducer": parts}, "trials": 3}
    given = file(metrics=["several"], search=asked, pipelines=[{"pipeline": PIPELINE}])
    trials = list(search(SuiteFile.read(given), tmp_path / "a"))
    assert all(trial.values["reducer"] in parts for trial in trials)
    assert all(trial.goodness == -trial.result for trial in trials)
    names = {record.cell.method for record in read_all(tmp_path / "a")}
    assert names == {f"reducer {trial.values['reducer']}" for trial in trials}
    given = file(metrics=["several"], search=asked | {"metric": "several.last"})
    with pytest.raises(BadConfig, match=r'"several.last"; the suite measures several, several\.lost'):
        next(search(SuiteFile.read(given), tmp_path / "b"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": ASKED | {"trials": 0}}, '"search.trials"'),
        ({"search": ASKED | {"seed": -1}}, '"search.seed"'),
        ({"search": ASKED | {"values": ["map.sigma"]}}, "\"search.values\" is ['map.sigma']; expected keys"),
        ({"search": ASKED | {"values": {}}}, '"search.values" is empty'),
        ({"search": ASKED | {"values": {"map.sigma": 3}}}, '"search.values.map.sigma" is 3; expected a list'),
        ({"search": ASKED | {"values": {"map.sigma": {"low": 2, "high": 1}}}}, '"search.values.map.sigma"'),
        ({"search": ASKED | {"values": {"map.sigma": {"low": 1, "high": 2, "lgo": True}}}}, "lgo"),
        ({"search": ASKED | {"metric": "pro"}}, '"search.metric" is "pro"; the suite measures pixel_auroc'),
        ({"search": {"values": {}}}, "metric"),
        ({"measure": ["memory"]}, '"quality" under "measure"'),
        ({"datasets": None, "embeddings": {"images": 4}}, 'it needs "datasets"'),
        ({"pipelines": ["padim-filter-bank", "padim-lite0"]}, "of one pipeline"),
        ({"vary": {"resolution": [8, 16, 32]}}, "of one pipeline"),
    ],
)
def test_what_cannot_be_searched_is_refused(file, tmp_path, capsys, changes, message):
    assert main(["search", str(file(**changes)), f"--output={tmp_path / 'records'}"]) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error and not (tmp_path / "records").exists()


def test_reported_images_are_not_searched_and_a_search_is_no_suite(file, stripes, capsys):
    data = {"class_path": "mvtec", "init_args": {"root": str(stripes)}, "categories": ["stripes"]}
    for part in ("whole", "report"):
        assert main(["search", str(file(datasets=[data | {"part": part}]))]) == 2
        assert 'needs "part: search"' in capsys.readouterr().err
    path = file()
    assert main(["benchmark", str(path)]) == 2
    assert f'has "search", which is run by: padimkit search {path}' in capsys.readouterr().err


def test_without_optuna_the_extra_is_named(file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(BadArgument, match=r"pip install 'padimkit\[search\]'"):
        next(search(SuiteFile.read(file()), tmp_path))
