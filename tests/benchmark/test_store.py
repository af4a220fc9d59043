import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from padimkit.benchmark.cell import Cell, Facts
from padimkit.benchmark.record import (
    Curve,
    Example,
    Failure,
    ImageScores,
    Record,
    Spread,
    packed,
    unpacked,
)
from padimkit.benchmark.store import read, read_all, write
from padimkit.errors import BadData

CELL = Cell(
    suite="small",
    method="PaDiM",
    dataset="mvtec",
    category="bottle",
    seed=3,
    settings={"pipeline": {"backbone": {"class_path": "pixels"}}},
    measure=("quality", "time"),
    repeats=2,
    train_images=7,
    varied={"train_images": 7.0},
)
RECORD = Record(
    key="abc",
    cell=CELL,
    facts=Facts("f00", 4, 3, 2),
    metrics={"pro": 0.1 + 0.2},
    undefined={"image_auroc": "One class only."},
    curves={"roc": Curve((0.0, 1.0), (0.5, 1.0))},
    seconds={"fit": Spread(1.0, 0.5, 2.0, 3)},
    bytes={"peak": 10**12},
    flops=5,
    repeats={"fit": (0.5, 1.0, 2.0)},
    predicted={"density fit": 0.25},
    form="samples",
    rates={"single": 1e11},
    examples=(Example("good/0.png", False, 1.5, "aGk=", "aGk=", None, 0.0, 2.0),),
    images=ImageScores(("good/0.png", "bad/1.png"), "0?", packed([0.25, 1.5]), {"pro": packed([0.5, -0.5])}),
    invisible=1,
    environment={"threads": 1},
    plugins=({"family": "backbones", "name": "pixels", "distribution": "padimkit", "version": "1"},),
    begun="2026-01-01T00:00:00+00:00",
    took=1.25,
)
FAILED = replace(RECORD, key="def", failure=Failure("timeout", "Too long.", "", "score"), facts=None)


def test_a_record_is_read_as_it_was_written(tmp_path):
    for record in (RECORD, FAILED):
        assert read(write(record, tmp_path)) == record
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["abc.json", "def.json"]


def test_a_record_from_before_scores_of_images_were_kept_is_read(tmp_path):
    path = write(RECORD, tmp_path)
    content = json.loads(path.read_text())
    del content["images"], content["invisible"]
    path.write_text(json.dumps(content))
    assert read(path) == replace(RECORD, images=None, invisible=0)


def test_scores_of_images_are_kept_as_float32(tmp_path):
    images = read(write(RECORD, tmp_path)).images
    assert unpacked(images.scores) == (0.25, 1.5) and images.kinds is None
    assert np.frombuffer(base64.b64decode(images.scores), "<f4").tolist() == [0.25, 1.5]
    assert replace(images, anomalous="01").kinds == (False, True)


def test_a_later_record_of_the_same_cell_takes_the_place_of_the_earlier(tmp_path):
    write(RECORD, tmp_path)
    write(replace(RECORD, took=9.0), tmp_path)
    assert [record.took for record in read_all(tmp_path)] == [9.0]


@pytest.mark.parametrize(("old", "new"), [('"pro"', '"pr\\udcffo"'), ('"small"', '"sma\\ud800ll"')])
def test_a_lone_surrogate_in_a_text_can_be_written_after_it_was_read(tmp_path, old, new):
    path = write(RECORD, tmp_path)
    path.write_text(path.read_text().replace(old, new))
    repr(read(path)).encode("utf-8")


@pytest.mark.parametrize("key", ["../up", "/tmp/there", "a/b", "", ".", "a" * 101])
def test_a_key_that_would_lead_to_another_folder_is_refused(tmp_path, key):
    path = write(RECORD, tmp_path)
    path.write_text(path.read_text().replace('"key": "abc"', f'"key": "{key}"'))
    with pytest.raises(BadData, match='"key" is .*, which cannot name one'):
        read(path)


@pytest.mark.parametrize("levels", [101, 5000])
def test_a_record_that_is_nested_without_end_is_refused(tmp_path, levels):
    path = write(RECORD, tmp_path)
    path.write_text(path.read_text().replace('"threads": 1', f'"threads": {"[" * levels}{"]" * levels}'))
    with pytest.raises(BadData, match="is not a record .it is nested deeper than 100 levels"):
        read(path)


def test_records_are_ordered_by_data_and_method(tmp_path):
    for key, category, method in (("1", "b", "x"), ("2", "a", "y"), ("3", "a", "x")):
        write(replace(RECORD, key=key, cell=replace(CELL, category=category, method=method)), tmp_path)
    assert [record.key for record in read_all(tmp_path)] == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a record"),
        ("[]", "is not a record"),
        ('{"format": 3}', "has format 3; this padimkit reads format 2. Upgrade padimkit"),
        ('{"format": 2, "key": "a"}', "is not a whole record .*lacks cell"),
        ('{"format": 2, "key": "a", "cell": {"suite": "small"}}', '"record.cell" lacks method, dataset'),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, text, message):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(BadData, match=message):
        read_all(tmp_path)


def test_a_record_of_an_older_padimkit_is_refused_and_its_suite_is_to_run_again(tmp_path):
    path = write(RECORD, tmp_path)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | content.pop("cell") | {"format": 1}))  # as it was written then
    message = (
        'abc.json" has format 1; this padimkit reads format 2. '
        "Move it and those like it elsewhere, and run the suite again."
    )
    with pytest.raises(BadData, match=message):
        read(path)


def test_unknown_fields_are_refused(tmp_path):
    content = json.loads(write(RECORD, tmp_path).read_text())
    path = tmp_path / "x.json"
    for wrong in (content | {"colour": 1}, content | {"cell": content["cell"] | {"colour": 1}}):
        path.write_text(json.dumps(wrong))
        with pytest.raises(BadData, match="has no field colour"):
            read(path)


WRONG_CELL = {
    "method": (None, 3, ["PaDiM"]),
    "seed": (None, "3", 3.5, True, float("nan")),
    "settings": (None, [], "text"),
    "measure": ("time", None, [1], ["speed"], {"time": 1}),
    "varied": (None, {"train_images": "many"}, {"train_images": True}, {"train_images": float("inf")}),
}


@pytest.mark.parametrize(
    ("field", "value"), [(name, value) for name in WRONG_CELL for value in WRONG_CELL[name]]
)
def test_a_field_of_the_cell_of_another_type_is_refused_by_file_and_name(tmp_path, field, value):
    path = write(RECORD, tmp_path)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"cell": content["cell"] | {field: value}}))
    with pytest.raises(BadData, match=rf'abc.json" is not a whole record \("record.cell.{field}'):
        read(path)


IMAGES = {"names": ["a", "b"], "anomalous": "01", "scores": packed([0.5, 1.5])}
STOPPED = {"product": 1, "memory": 0}
WRONG = {
    "cell": (None, "text", []),
    "facts": ([], "text", {"fingerprint": 1, "train_images": 1, "test_images": 1, "anomalous_images": 1}),
    "metrics": ({"pro": None}, ["pro"], {"pro": float("nan")}, {"pro": 10**400}),
    "curves": ({"roc": {"x": [0, "1"], "y": [0, 1]}}, {"roc": {"x": 3, "y": []}}, {"roc": []}),
    "seconds": ({"fit": {"median": "1", "lower": 1, "upper": 1, "count": 1}}, {"fit": 1.0}),
    "bytes": ({"peak": 1.5}, {"peak": "1"}),
    "flops": ("many", 1.5),
    "examples": ({}, [3], [{"path": "a"}], [vars(RECORD.examples[0]) | {"anomalous": "no"}]),
    "images": (
        [],
        IMAGES | {"scores": "AAA"},
        IMAGES | {"scores": "AAAA"},
        IMAGES | {"scores": packed([0.5])},
        IMAGES | {"scores": packed([0.5, float("nan")])},
        IMAGES | {"influence": {"pro": packed([0.5] * 3)}},
        IMAGES | {"values": {"iou": packed([0.5] * 3)}},
        IMAGES | {"values": {"iou": packed([0.5, float("inf")])}},
        IMAGES | {"anomalous": "0"},
        IMAGES | {"anomalous": "0y"},
    ),
    "invisible": (None, 0.5),
    "failure": ([], {"cause": "bad luck", "message": "", "traceback": "", "stage": ""}),
    "plugins": ([["pixels"]], [{"name": None}]),
    "begun": (None, 2026),
    "processes": ([{}], [{"seconds": {}, "before": STOPPED, "after": STOPPED}]),
}


@pytest.mark.parametrize(("field", "value"), [(name, value) for name in WRONG for value in WRONG[name]])
def test_a_field_of_another_type_is_refused_by_file_and_name(tmp_path, field, value):
    path = write(RECORD, tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(BadData, match=rf'abc.json" is not a whole record \("record.{field}'):
        read(path)


def test_a_whole_number_will_do_where_any_number_is_expected(tmp_path):
    path = write(RECORD, tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"took": 2, "metrics": {"pro": 1}}))
    assert read(path) == replace(RECORD, took=2.0, metrics={"pro": 1.0})


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(BadData, match="Records were expected there"):
        read_all(tmp_path / "nowhere")
