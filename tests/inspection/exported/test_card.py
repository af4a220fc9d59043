"""The card of an exported model, as its file holds it."""

import base64
import json
import zlib

import numpy as np
import pytest

from padimkit import BadModel, Calibration, LongSide, MapStatistics, Preprocessing, Scale, ShortSide, Tiles
from padimkit.inspection.exported.card import Card

STATISTICS = MapStatistics((1.0, 2.0), (0.5, 0.6), ((0.0, 0.1), (1.0, 2.0)))


def card(preprocessing, region=None, calibration=None):
    return Card(
        (8, 9), preprocessing.framing, 12, region, calibration, "0" * 64, "float32", "1.0", {"a": [1]}
    )


@pytest.mark.parametrize(
    "preprocessing",
    [
        Preprocessing(),
        Preprocessing(None, None),
        Preprocessing((40, 50), (30, 20), roi=(1, 2, 30, 40)),
        Preprocessing(ShortSide(40), 30, tiles=Tiles(16)),
        Preprocessing(LongSide(40), None, pad=(50, 60)),
        Preprocessing(Scale(0.5), None, most_pixels=1000, interpolation="bilinear_unfiltered"),
    ],
)
def test_a_card_is_read_as_it_was_written(preprocessing, random):
    region = random.random((8, 9)) < 0.5
    calibration = Calibration.from_scores([1.0, 2.0, 3.0], STATISTICS, false_alarms=0.25)
    written = card(preprocessing, region, calibration)
    found = Card.from_text(written.as_text(), "model.onnx")
    np.testing.assert_array_equal(found.region, region)
    assert found.framing == preprocessing.framing and found.calibration == calibration
    assert (found.size, found.depth, found.settings) == ((8, 9), 12, {"a": [1]})


def test_an_older_card_without_an_interpolation_has_the_bicubic_one():
    values = json.loads(card(Preprocessing(interpolation="bilinear")).as_text())
    assert Card.from_text(json.dumps(values), "model.onnx").framing.interpolation == "bilinear"
    del values["framing"]["interpolation"]
    assert Card.from_text(json.dumps(values), "model.onnx").framing == Preprocessing().framing


def test_a_card_of_a_newer_format_is_refused():
    values = json.loads(card(Preprocessing()).as_text()) | {"format": 99}
    with pytest.raises(BadModel, match=r'"model.onnx" was exported by padimkit 1.0, in a newer format'):
        Card.from_text(json.dumps(values), "model.onnx")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "size": "large"}'])
def test_a_card_that_cannot_be_read_is_refused(text):
    with pytest.raises(BadModel, match=r'"model.onnx"'):
        Card.from_text(text, "model.onnx")


@pytest.mark.parametrize(
    "changed",
    [
        {"size": [8, 10**30]},
        {"size": [0, 9]},
        {"size": [float("inf"), 9]},
        {"depth": 3},
        {"depth": "12"},
        {"framing": None},
        {"framing": {"resize": {"scale": 1e30}}},
        {"framing": {"resize": {"scale": float("nan")}}},
        {"framing": {"crop": 10**30}},
        {"framing": {"crop": [1, 2, 3]}},
        {"framing": {"pad": -1}},
        {"framing": {"tile": "large"}},
        {"framing": {"box": [4, 4, 2, 2]}},
        {"framing": {"box": "mask.png"}},
        {"framing": {"most_pixels": 10**30}},
        {"framing": {"most_pixels": None}},
        {"framing": {"interpolation": "nearest"}},
        {"region": "not base 64"},
        {"region": base64.b64encode(b"not compressed").decode()},
        {"region": base64.b64encode(zlib.compress(bytes(3))).decode()},
        {"calibration": {"threshold": 1}},
        {"calibration": []},
    ],
)
def test_a_card_with_values_that_cannot_be_is_refused(changed, random):
    values = json.loads(card(Preprocessing(), random.random((8, 9)) < 0.5).as_text())
    for key, value in changed.items():
        values[key] = values[key] | value if key == "framing" and value else value
    with pytest.raises(BadModel, match=r'"model.onnx"'):
        Card.from_text(json.dumps(values), "model.onnx")


def test_a_card_nested_too_deep_is_refused():
    with pytest.raises(BadModel, match="nested deeper than 100 levels"):
        Card.from_text("[" * 100_000, "model.onnx")


def test_a_region_that_would_fill_the_memory_is_not_unpacked(random):
    values = json.loads(card(Preprocessing(), random.random((8, 9)) < 0.5).as_text())
    values["region"] = base64.b64encode(zlib.compress(b"\xff" * 10**6)).decode()
    assert Card.from_text(json.dumps(values), "model.onnx").region.shape == (8, 9)
