"""Trackers by name, what they are told, and MLflow where it is installed."""

import sys
from datetime import timedelta

import made_records
import pytest

from padimkit import TrackedRun, Tracker
from padimkit.benchmark.running import tracking
from padimkit.benchmark.running.tracking import GROUP, made_tracker, run_of, tracked, values_of
from padimkit.benchmark.store import write
from padimkit.cli import benchmark
from padimkit.cli.main import main
from padimkit.errors import AmbiguousPlugin, BadArgument, BadConfig, BrokenPlugin

PIPELINE = {"backbone": "pixels", "reducer": "identity", "density": "gaussian"}
PIPELINE |= {"preprocessing": {"resize": 16, "crop": None}}
STRANGER = """
from pathlib import Path
from padimkit import Tracker

class Notes(Tracker):
    def __init__(self, place):
        super().__init__(place)
        if place == "nowhere":
            raise OSError("no such place")
    def begin(self, run):
        self.write(f"begin {run.name}")
    def log(self, values):
        self.write(f"values {' '.join(values)}")
    def keep(self, file):
        self.write(f"file {file.name} {file.exists()}")
    def end(self, failure):
        self.write(f"end {failure}")
    def write(self, text):
        with Path(self.place).open("a") as file:
            file.write(text + "\\n")

class Other:
    pass
"""


class Kept(Tracker):
    def __init__(self):
        super().__init__("")
        self.calls = []

    def begin(self, run):
        if run.labels["seed"] == "1":
            raise ConnectionError("The server is gone.")
        self.calls.append(run)

    def log(self, values):
        self.calls.append(values)

    def keep(self, file):
        self.calls.append(file)

    def end(self, failure):
        self.calls.append(failure)


@pytest.fixture
def records(random):
    return [made_records.made("spade", "grid", seed, random) for seed in range(3)]


def test_a_tracker_is_told_of_each_record_and_its_errors_end_nothing(records, tmp_path):
    records[2] = made_records.failed(records[2])
    tracker, said = Kept(), []
    assert list(tracked(records, tmp_path, tracker, said.append)) == records
    files = [tmp_path / f"{record.key}.json" for record in records]
    assert tracker.calls == [
        *(run_of(records[0]), values_of(records[0]), files[0], ""),
        *(run_of(records[2]), {}, files[2], "Needs 9.1 GB, 2 GB are allowed."),
    ]
    assert said == ["Kept failed for spade on products/grid, seed 1: The server is gone."]


def test_a_run_has_names_settings_and_times(records):
    run, record = run_of(records[0]), records[0]
    assert isinstance(run, TrackedRun) and (run.key, run.suite) == (record.key, "study")
    assert run.labels == {"method": "spade", "dataset": "products", "category": "grid", "seed": "0"}
    assert (
        run.settings["pipeline.preprocessing.resize"] == "256"
        and run.settings["metrics.1.class_path"] == "pro"
    )
    assert run.ended - run.begun == timedelta(seconds=record.took) and run.begun.utcoffset() == timedelta(0)
    values = values_of(record)
    assert values["pro"] == record.metrics["pro"] and values["model bytes"] == record.bytes["model"]
    assert values["fit seconds"] == record.seconds["fit"].median


def test_a_tracker_of_a_stranger_follows_a_suite(suite, install, tmp_path, capsys, in_this_process):
    points = {"notes": "notes_module:Notes", "other": "notes_module:Other", "gone": "no_such_module:A"}
    points["lost"] = "notes_module:Nots"
    install("notes", points, {"notes_module": STRANGER}, group="padimkit.trackers")
    path = suite(pipelines=[{"name": "mine", "pipeline": PIPELINE}], seeds=[0], measure=["quality"])
    output = tmp_path / "records"
    assert main(["benchmark", str(path), f"--output={output}", f"--tracker=notes={tmp_path / 'log'}"]) == 0
    (record,) = output.glob("[!.]*.json")
    assert (tmp_path / "log").read_text().splitlines() == [
        "begin mine on mvtec/stripes, seed 0",
        "values image_auroc pixel_auroc pro",
        f"file {record.name} True",
        "end ",
    ]
    for given, error in (("notse", "Did you mean 'notes'"), ("notes=nowhere", "no such place")):
        with pytest.raises(BadArgument, match=error):
            made_tracker(given)
    for given, error in (
        ("other", "expected a subclass of padimkit.Tracker"),
        ("gone", "cannot be imported: ModuleNotFoundError"),
        ("lost", "cannot be imported: AttributeError"),
    ):
        with pytest.raises(BrokenPlugin, match=error):
            made_tracker(given)
    assert main(["plugins", "list"]) == 0 and "padimkit.trackers" not in capsys.readouterr().out


def test_a_name_of_several_distributions_is_refused_and_a_full_one_is_not(install):
    module = "from padimkit import Tracker\nclass Notes(Tracker):\n    def begin(self, run): ...\n"
    whole = module + "".join(f"    def {name}(self, _): ...\n" for name in ("log", "keep", "end"))
    install(
        "one-notes", {"notes": "one_notes:Notes", "few": "one_few:Notes"}, {"one_notes": whole}, group=GROUP
    )
    install("other", {"notes": "one_few:Notes", "mlflow": "no:No"}, {"one_few": module}, group=GROUP)
    with pytest.raises(AmbiguousPlugin, match='Use "one-notes:notes" or "other:notes"'):
        made_tracker("notes=x")
    assert made_tracker("One_Notes:notes=x").place == "x"
    assert tracking._entry("mlflow").value.startswith("padimkit.benchmark.mlflow:MLflow")
    assert tracking._entry("other:mlflow").value == "no:No"
    with pytest.raises(BrokenPlugin, match='one_few:Notes, lacks "end" .Tracker. and "keep".*cannot be made'):
        made_tracker("few")
    with pytest.raises(BadArgument, match="Did you mean 'one-notes:notes'"):
        made_tracker("on-notes:notes")


def test_a_tracker_beside_a_record_is_refused(tmp_path):
    with pytest.raises(BadConfig, match="--tracker is told of the cells of a suite"):
        benchmark.run(["--record", str(tmp_path / "a.json"), "--tracker=mlflow"])


def test_without_mlflow_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.delitem(sys.modules, "padimkit.benchmark.mlflow", raising=False)
    with pytest.raises(BadArgument, match=r"pip install 'padimkit\[mlflow\]'"):
        made_tracker("mlflow")


@pytest.mark.filterwarnings("ignore")  # of a client of others
def test_mlflow_keeps_values_settings_record_and_times(records, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", exc_type=ImportError)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    records = [records[0], made_records.failed(records[1])]
    for record in records:
        write(record, tmp_path)
    tracker = made_tracker(f"mlflow={(tmp_path / 'runs').as_uri()}")
    said = []
    list(tracked(records, tmp_path, tracker, said.append))
    assert said == []
    client = mlflow.MlflowClient((tmp_path / "runs").as_uri())
    experiment = client.get_experiment_by_name("study")
    found = {run.data.tags["padimkit.key"]: run for run in client.search_runs([experiment.experiment_id])}
    first, second = (found[record.key] for record in records)
    assert first.data.metrics == values_of(records[0]) and second.data.metrics == {}
    assert first.data.params == dict(run_of(records[0]).settings)
    assert (first.info.status, second.info.status) == ("FINISHED", "FAILED")
    assert second.data.tags["padimkit.failure"] == "Needs 9.1 GB, 2 GB are allowed."
    assert first.info.end_time - first.info.start_time == round(1000 * records[0].took)
    (artifact,) = client.list_artifacts(first.info.run_id)
    assert artifact.path == f"{records[0].key}.json"
