"""`padimkit records` as a user meets it."""

import json
from dataclasses import replace

import made_records
import pytest

from padimkit.benchmark.store import Plan, paths, plans, read, write
from padimkit.benchmark.times import Conditions, TimedProcess
from padimkit.cli.main import main


@pytest.fixture
def padimkit(capsys):
    def padimkit(*words, status=0):
        assert main(["records", *map(str, words)]) == status
        out, err = capsys.readouterr()
        return out + err

    return padimkit


def made(seed, random, **fields):
    """A record under the key of its content."""
    record = replace(made_records.made("spade", "grid", seed, random), **fields)
    return replace(record, key=record.cell.key(record.facts))


@pytest.fixture
def folders(tmp_path, random):
    found = tmp_path / "a", tmp_path / "b"
    for folder, seeds in zip(found, ((0, 1), (2,)), strict=True):
        for seed in seeds:
            write(made(seed, random), folder)
    Plan("study", {"x": "one"}).write(found[0])
    Plan("study", {"y": "two"}).write(found[1])
    return found


def test_whole_records_pass(padimkit, folders):
    assert padimkit("check", *folders) == (
        "3 records: whole, under the keys of their contents, and they agree.\n"
    )


def test_each_fault_of_a_record_is_named(padimkit, folders, random):
    one, two = sorted(paths(folders[0]))
    write(replace(read(two), metrics={"pro": 0.5}), folders[1])
    one.write_text(json.dumps(json.loads(one.read_text()) | {"seconds": 3}))
    (three,) = (path for path in paths(folders[1]) if path.name != two.name)
    content = json.loads(three.read_text())
    content["cell"]["repeats"] = 7
    three.write_text(json.dumps(content))
    three.rename(three.with_name("other.json"))
    without = replace(made(3, random), facts=None)
    write(without, folders[1])
    (folders[0] / ".plan-study.json").write_text("{")
    said = padimkit("check", *folders, status=1)
    assert f'{one}" is not a whole record' in said and "is not a plan of a suite" in said
    assert f'other.json" is called otherwise than its key, "{three.stem}"' in said
    assert "its cell, or what it tells of its data, has been changed" in said
    assert f'{without.key}.json" tells nothing of its data' in said
    assert "are records of the same cell with different metric values" in said
    assert said.count("\n") == 7 and "Found in 5 records: 6 faults." in said


def test_a_folder_without_records_is_refused(padimkit, tmp_path):
    assert "No records are in" in padimkit("check", tmp_path, status=2)
    assert "does not exist" in padimkit("check", tmp_path / "no", status=2)
    assert "No records are in" in padimkit("merge", tmp_path, "--output", tmp_path / "c", status=2)
    assert 'There is no subcommand "chekc". Did you mean' in padimkit("chekc", status=2)
    assert "padimkit records SUBCOMMAND" in padimkit()


def test_merging_takes_all_records_and_cells_of_plans(padimkit, folders, tmp_path):
    assert "3 records are in" in padimkit("merge", *folders, f"--output={tmp_path / 'c'}")
    expected = {path.name: path.read_bytes() for folder in folders for path in paths(folder)}
    assert {path.name: path.read_bytes() for path in paths(tmp_path / "c")} == expected
    assert list(plans(tmp_path / "c")) == [Plan("study", {"x": "one", "y": "two"})]
    assert "Records are merged into a new folder" in padimkit(
        "merge", *folders, f"--output={tmp_path / 'a'}", status=2
    )


def test_of_a_cell_the_latest_finished_record_counts(padimkit, folders, tmp_path):
    one = min(paths(folders[0]))
    record = read(one)
    write(made_records.failed(record), folders[0])
    write(record, folders[1])
    later = replace(record, begun="2026-11-21T10:00:00+00:00")
    write(later, tmp_path / "later")
    padimkit("merge", *folders, f"--output={tmp_path / 'c'}")
    assert read(tmp_path / "c" / one.name) == record
    for number, order in enumerate(([*folders, tmp_path / "later"], [tmp_path / "later", *folders])):
        padimkit("merge", *order, f"--output={tmp_path / str(number)}")
        assert read(tmp_path / str(number) / one.name) == later


def test_of_a_cell_the_record_of_the_most_processes_counts(padimkit, folders, tmp_path):
    one = min(paths(folders[0]))
    state = Conditions(1.0, 1.0)
    for name, count in (("x", 1), ("y", 3), ("z", 2)):
        write(replace(read(one), processes=(TimedProcess({}, state, state),) * count), tmp_path / name)
    padimkit("merge", *folders, *(tmp_path / name for name in "xyz"), f"--output={tmp_path / 'c'}")
    assert len(read(tmp_path / "c" / one.name).processes) == 3


def test_contradictions_are_not_merged_and_nothing_is_left(padimkit, folders, tmp_path):
    record = read(min(paths(folders[0])))
    write(replace(record, metrics={"pro": 0.1}), folders[1])
    before = sorted(tmp_path.iterdir())
    said = padimkit("merge", *folders, f"--output={tmp_path / 'c'}", status=2)
    assert "with different metric values. Leave one of them out." in said and said.count("\n") == 1
    assert '"output" is missing' in padimkit("merge", *folders, status=2)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("wrong", [3, {"imagess": 4}, {"images": "many"}])
def test_embeddings_that_are_none_are_named(padimkit, tmp_path, random, wrong):
    record = made_records.of_cell(
        made_records.made("spade", "grid", 0, random), settings={"embeddings": wrong}
    )
    path = write(replace(record, key=record.cell.key(record.facts)), tmp_path / "a")
    said = padimkit("check", "--run", path, status=1)
    assert f'{path}" is not a whole record ("record.cell.settings.embeddings' in said


def test_cells_are_run_again_and_altered_values_are_found(stripes, tmp_path, capsys, in_this_process):
    pipeline = {"backbone": "pixels", "reducer": "identity", "density": "gaussian"}
    pipeline["preprocessing"] = {"resize": 16, "crop": None}
    data = {"class_path": "mvtec", "init_args": {"root": str(stripes), "category": "stripes"}}
    suite = {"name": "small", "pipelines": [{"name": "mine", "pipeline": pipeline}], "datasets": [data]}
    (tmp_path / "suite.yaml").write_text(json.dumps(suite))
    records = tmp_path / "records"
    assert main(["benchmark", str(tmp_path / "suite.yaml"), f"--output={records}"]) == 0
    assert main(["records", "check", "--run", str(records)]) == 0
    assert "The metric values are exactly those of the record" in capsys.readouterr().out
    (path,) = paths(records)
    record = read(path)
    write(replace(record, metrics=record.metrics | {"pro": 0.5}), records)
    assert main(["records", "check", str(records)]) == 0  # nothing but a run can tell
    assert main(["records", "check", "--run", str(records)]) == 1
    assert "has other metric values: pro 0.5." in capsys.readouterr().out
