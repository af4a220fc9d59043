"""Records that a report reads, and files that it refuses."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import made_records
import numpy as np
import pytest

from padimkit.benchmark import store
from padimkit.benchmark.record import Failure
from padimkit.benchmark.store import Plan
from padimkit.benchmark.times import Conditions, TimedProcess
from padimkit.errors import BadData
from padimkit.report.entries import read_entries
from padimkit.report.protocols import warnings
from padimkit.report.row import row_of
from padimkit.report.study import Study, read_study


@pytest.fixture
def random():
    """The same in each run: no test here depends on the values of a record."""
    return np.random.default_rng(0)


def test_folders_and_single_files_are_read(few, write, random):
    other = made_records.made("other", "bottle", 0, random)
    single = write([other], "second") / f"{other.key}.json"
    entries = read_entries([few, single])
    keys = [other.key, *(record.key for record in store.read_all(few))]
    assert sorted(entry.record.key for entry in entries) == sorted(keys) and len(keys) == 4
    assert all(store.read(entry.file) == entry.record for entry in entries)


def test_the_same_file_twice_is_one_cell(few):
    file = next(few.iterdir())
    assert len(read_entries([few, file, few])) == len(list(few.iterdir()))


def test_a_folder_without_records_is_refused(tmp_path):
    with pytest.raises(BadData, match=f'No records are in "{tmp_path}"'):
        read_entries([tmp_path])


def test_a_folder_of_folders_of_records_is_answered_with_these(few):
    with pytest.raises(BadData, match=f'No records are in "{few.parent}". Name folders in it: "{few}"'):
        read_entries([few.parent])


def test_a_path_that_is_not_there_is_refused(few):
    with pytest.raises(BadData, match='"nowhere" does not exist'):
        read_entries([few, Path("nowhere")])


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"format": 2}', '{"format": 99, "key": "x"}'])
def test_a_broken_record_is_refused_by_name(few, content):
    (few / "broken.json").write_text(content)
    with pytest.raises(BadData, match='broken.json"'):
        read_entries([few])


@pytest.mark.parametrize("value", ["NaN", "Infinity", '"high"', "true", "null"])
def test_a_value_that_is_not_a_number_is_refused(few, value):
    file = sorted(few.iterdir())[0]
    content = json.loads(file.read_text()) | {"metrics": {"pro": 0.125}}
    file.write_text(json.dumps(content).replace("0.125", value))
    with pytest.raises(BadData, match=r"is (no|not a) whole record"):
        read_entries([few])


def test_a_cell_of_two_suites_counts_once(few, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    file = sorted(few.iterdir())[0]
    again = replace(made_records.of_cell(store.read(file), suite="other"), took=9.0)
    store.write(again, other)
    assert len(read_entries([few, other])) == len(list(few.iterdir()))


def test_what_one_suite_no_longer_has_counts_where_another_has_it(few, tmp_path):
    record = store.read(sorted(few.glob("*.json"))[0])
    other = tmp_path / "other"
    other.mkdir()
    store.write(made_records.of_cell(record, suite="other"), other)
    Plan(record.cell.suite, {}).write(few)
    assert record.key not in [entry.record.key for entry in read_study([few]).entries]
    Plan("other", {record.key: "it"}).write(other)
    study = read_study([few, other])
    assert record.key in [entry.record.key for entry in study.entries] and study.missing == []


@pytest.mark.parametrize("content", ["", "[]", '{"suite": "s"}', '{"suite": "s", "titles": []}'])
def test_a_broken_plan_is_refused_by_name(few, content):
    (few / ".plan-s.json").write_text(content)
    with pytest.raises(BadData, match=r'\.plan-s\.json" is not a plan of a suite'):
        read_study([few])


def test_two_records_of_one_cell_with_different_values_are_refused(few, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    record = store.read(sorted(few.iterdir())[0])
    store.write(replace(record, metrics=record.metrics | {"pro": 0.123}), other)
    with pytest.raises(BadData, match="are records of the same cell with different metric values"):
        read_entries([few, other])


def test_of_two_records_of_a_cell_the_best_timed_one_counts_and_the_report_says_so(few, tmp_path):
    record = store.read(sorted(few.iterdir())[0])
    state = Conditions(1.0, 1.0)
    better = replace(record, begun="2020", processes=(TimedProcess({}, state, state),) * 2)
    store.write(better, tmp_path / "other")
    store.write(made_records.failed(replace(record, begun="2030")), tmp_path / "failed")
    folders = [few, tmp_path / "other", tmp_path / "failed"]
    for order in (folders, folders[::-1]):
        entries = read_entries(order)
        (entry,) = (entry for entry in entries if entry.record.key == record.key)
        assert entry.record == better and len(entry.others) == 2
        (said,) = (text for text in warnings(entries) if "Several records of one cell differ" in text)
        assert f"{entry.name} (in {tmp_path / 'other'})" in said
    assert not [text for text in warnings(read_entries([few, few])) if "Several records" in text]


def test_cells_of_which_a_further_process_failed_are_named(study_of, random):
    failure = Failure("killed", "Gone.", "", "fit")
    record = made_records.of_cell(made_records.made("spade", "tile", 0, random), processes=3)
    study = study_of([replace(record, interrupted=failure)])
    assert "(0 of 3 processes; killed in the stage “fit”)." in " ".join(warnings(study.entries))
    assert row_of(study.entries[0])["interrupted"] == "Gone." and study.failed == []


def test_failed_cells_are_named_with_cause_stage_and_message(fixed_study):
    assert fixed_study.failures == [
        "Failed: spade on products / wood, seed 2: memory in the stage “density fit”. "
        "Needs 9.1 GB, 2 GB are allowed."
    ]


def test_missing_cells_are_named(fixed_study):
    assert fixed_study.missing == ["layer-sum on products / tile, seed 1 (suite study)"]


def test_a_method_that_draws_nothing_is_run_with_one_seed_only(study_of, random):
    records = [made_records.made("padim-rd100", "bottle", seed, random) for seed in (0, 1)]
    records += [
        made_records.made("padim-rd100", "cable", 1, random),
        made_records.made("spade", "bottle", 0, random),
    ]
    assert study_of(records).missing == [
        "padim-rd100 on products / cable, seed 0 (suite study)",
        "spade on products / cable, seed 0 (suite study)",
    ]


def test_a_method_without_any_record_of_a_data_set_lacks_all_its_seeds(study_of, random):
    records = [made_records.made("padim-rd100", "bottle", seed, random) for seed in (0, 1)]
    records += [made_records.made("padim-rd100", "tile", seed, random, dataset="other") for seed in (0, 1)]
    records += [made_records.made("spade", "bottle", seed, random) for seed in (0, 1)]
    assert study_of(records).missing == [
        f"spade on other / tile, seed {seed} (suite study)" for seed in (0, 1)
    ]


def test_what_a_complexity_study_lacks_is_not_missing(study_of, random):
    varied = made_records.varied(made_records.made("spade", "bottle", 0, random), 25, random)
    entries = [made_records.of_cell(varied, suite="study")]
    entries.append(made_records.made("padim-rd100", "cable", 0, random))
    study = study_of(entries)
    assert study.missing == []
    assert [entry.record.cell.method for entry in study.finished] == ["padim-rd100"]
    assert [entry.record.cell.method for entry in study.varied] == ["spade"]


def test_suites_are_not_expected_to_hold_what_others_hold(study_of, random):
    first = made_records.made("spade", "bottle", 0, random)
    second = made_records.of_cell(made_records.made("padim-rd100", "cable", 1, random), suite="other")
    assert study_of([first, second]).missing == []


def test_a_study_of_no_cells_has_no_gaps():
    assert Study(()).missing == []


def test_records_are_read_without_torch():
    code = "import sys, padimkit.report.study, padimkit.inspection.quality; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
