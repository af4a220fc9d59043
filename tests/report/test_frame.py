import sys
from dataclasses import replace

import made_records
import pytest

import padimkit
from padimkit.benchmark.record import ImageScores, packed
from padimkit.benchmark.store import write
from padimkit.errors import BadArgument, BadData


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
