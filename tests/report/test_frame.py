import sys
from dataclasses import replace

import made_records
import pytest

import padimkit
from padimkit.benchmark.columns import FIXED
from padimkit.benchmark.record import Failure, ImageScores, Verdicts, packed
from padimkit.benchmark.running.tracking import values_of
from padimkit.benchmark.store import write
from padimkit.benchmark.times import Conditions, TimedProcess
from padimkit.errors import BadArgument, BadData
from padimkit.report.entries import Entry
from padimkit.report.protocols import warnings
from padimkit.report.row import row_of


@pytest.fixture
def folder(tmp_path, random):
    images = ImageScores(
        ("good/0.png", "bad/0.png"),
        "0?",
        packed([0.25, 1.5]),
        {"pro": packed([0.5, -0.5])},
        {"iou": packed([float("nan"), 0.5])},
    )
    for seed in (0, 1):
        record = made_records.made("spade", "grid", seed, random)
        write(replace(record, images=images if seed else None), tmp_path)
    write(made_records.failed(made_records.made("padim-rd100", "grid", 0, random)), tmp_path)
    return tmp_path


def test_a_frame_has_a_row_for_each_record_with_all_its_numbers(folder):
    frame = padimkit.records(str(folder))
    assert sorted(frame["method"]) == ["padim-rd100", "spade", "spade"]
    finished = frame[frame["state"] == "finished"].sort_values("seed")
    assert finished["seed"].tolist() == [0, 1] and finished["images_learnt"].tolist() == [200, 200]
    assert finished["pro"].between(0.8, 1).all() and (finished["fit seconds"] > 0).all()
    assert frame[frame["state"] == "failed"]["pro"].isna().all()


def test_a_frame_of_images_has_a_row_for_each_image_of_each_record_that_keeps_them(folder):
    frame = padimkit.image_scores(folder)
    assert frame["image"].tolist() == ["good/0.png", "bad/0.png"] and set(frame["seed"]) == {1}
    assert frame["anomalous"].tolist() == [False, None]
    assert frame["score"].tolist() == [0.25, 1.5] and frame["influence pro"].tolist() == [0.5, -0.5]
    assert frame["iou"].isna().tolist() == [True, False] and frame["iou"][1] == 0.5


def test_without_pandas_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BadArgument, match=r"pip install 'padimkit\[frames\]'"):
        padimkit.records(folder)


def test_no_folder_and_one_without_records_are_refused(tmp_path):
    with pytest.raises(BadArgument, match="Expected a folder of records"):
        padimkit.records()
    with pytest.raises(BadData, match="No records are in"):
        padimkit.records(tmp_path)


def test_a_frame_of_images_of_failed_cells_alone_is_empty_and_has_its_columns(folder, tmp_path, random):
    failed = replace(made_records.made("spade", "grid", 0, random), images=None, metrics={})
    (tmp_path / "failed").mkdir()
    write(failed, tmp_path / "failed")
    frame, known = padimkit.image_scores(tmp_path / "failed"), padimkit.image_scores(folder)
    assert frame.empty and list(frame.columns) == list(known.columns[: len(frame.columns)])
    assert frame.groupby("key")["score"].max().empty


def test_metrics_that_are_called_like_other_columns_keep_both(tmp_path, random):
    """All columns that are not composed are fixed, so that no metric can take the place of one."""
    state = Conditions(1.0, 1.0)
    images = ImageScores(("a/0",), "1", packed([0.25]), {}, {"score": packed([0.5])}, ("influence pro",))
    record = replace(
        made_records.made("spade", "grid", 0, random),
        images=images,
        processes=(TimedProcess({}, state, state),),
        interrupted=Failure("killed", "", "", ""),
        undefined={"flops": "No."},
        verdicts=Verdicts(1.0, 0.01, 1, 1, 0, 0),
    )
    record = made_records.of_cell(record, group="textures")
    plain = row_of(Entry(record, tmp_path))
    named = [column for column in plain if " " not in column and column not in record.metrics]
    assert set(named) <= FIXED and {"key", "took", "flops", "group"} <= set(named)
    composed = [column for column in plain if " " in column]
    names = [*FIXED, *composed, "metric x", "varied x", "influence pro"]
    metrics = dict.fromkeys([*names, "pro(a=1, b=2)"], 0.5)
    row = row_of(Entry(replace(record, metrics=metrics), tmp_path))
    assert {name: row[name] for name in plain if name not in record.metrics} == {
        name: value for name, value in plain.items() if name not in record.metrics
    }
    assert [row[f"metric {name}"] for name in names] == [0.5] * len(names) and row["pro(a=1, b=2)"] == 0.5
    assert plain["metric flops undefined"] == "No."
    assert values_of(replace(record, metrics={"fit seconds": 0.5}))["metric fit seconds"] == 0.5
    write(record, tmp_path)
    frame = padimkit.image_scores(tmp_path)
    assert frame["score"].tolist() == [0.25] and frame["metric score"].tolist() == [0.5]
    assert 'lacks "influence pro" in 1 cells' in " ".join(warnings([Entry(record, tmp_path)]))
