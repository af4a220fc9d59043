"""A preprocessor before the resize: pictures, masks, regions and stored models follow it, and back."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from padimkit import (
    AnomalyMap,
    Augmentation,
    Gaussian,
    Identity,
    Perspective,
    Pipeline,
    Pixels,
    Preprocessing,
    Reader,
    export,
    load,
    load_recipe,
    save,
)
from padimkit.config.build import resolved
from padimkit.config.commands import EVALUATE, evaluate_parser
from padimkit.config.description import describe
from padimkit.config.parser import parse_pipeline, plain
from padimkit.errors import BadArgument, BadConfig, CannotExport, CannotMerge
from padimkit.images.sample import Sample
from padimkit.inspection.inspection import Inspection
from padimkit.inspection.regions import regions_of
from padimkit.inspection.verdict import Verdict

CORNERS = ((0.2, 0.1), (0.8, 0.0), (1.0, 0.9), (0.1, 1.0))
SIZE = (80, 120)


@pytest.fixture
def first():
    return Perspective(CORNERS)


def test_the_corners_go_to_the_corners_and_straight_lines_stay_straight(first):
    corners = np.array(CORNERS) * np.array(SIZE[::-1])
    found = first.to_changed(corners, SIZE)
    np.testing.assert_allclose(found, [[0, 0], [120, 0], [120, 80], [0, 80]], atol=1e-9)
    line = np.linspace(corners[0], corners[2], 7)
    moved = first.to_changed(line, SIZE)
    steps, whole = moved[1:] - moved[0], moved[-1] - moved[0]
    np.testing.assert_allclose(steps[:, 0] * whole[1], steps[:, 1] * whole[0], atol=1e-9)


@pytest.mark.parametrize("corners", [CORNERS[::-1], (CORNERS[0],) * 4, ((99.0, 0.0), *CORNERS[1:])])
def test_corners_that_span_nothing_are_refused(corners):
    with pytest.raises(BadArgument, match="corners"):
        Perspective(corners)


def test_points_of_the_model_are_found_in_the_original_and_back(first):
    preprocessing = Preprocessing(resize=(40, 60), crop=(32, 48), first=first)
    corner = np.array([[-6.0, -4.0]])  # of the resized image, in what the crop leaves
    np.testing.assert_allclose(
        preprocessing.to_original(corner, SIZE), [np.array(CORNERS[0]) * SIZE[::-1]], atol=1e-9
    )
    points = np.array([[3.0, 5.0], [40.0, 30.0]])
    there = preprocessing.to_original(points, SIZE)
    np.testing.assert_allclose(preprocessing.to_model(there, SIZE), points, atol=1e-9)
    geometry = preprocessing.geometry(SIZE)
    assert geometry.original == SIZE and geometry.size == (32, 48)
    assert geometry.seen == pytest.approx(32 * 48 / (40 * 60))


def spotted(place):
    pixels = np.full((*SIZE, 3), 90, dtype=np.uint8)
    pixels[place] = 250
    return Image.fromarray(pixels)


def test_a_region_lies_in_the_original_where_the_defect_is(first):
    preprocessing = Preprocessing(resize=None, crop=None, first=first)
    place = (slice(30, 42), slice(60, 70))
    values = preprocessing.image(spotted(place)).mean(0).double().numpy()
    geometry = preprocessing.geometry(SIZE)
    (region,) = regions_of(values, geometry, 0.6, float(np.median(values)), None)
    np.testing.assert_allclose(region.box, (60, 30, 70, 42), atol=1.5)
    np.testing.assert_allclose(region.centre, (65, 36), atol=0.7)
    assert region.area == pytest.approx(120, rel=0.2)
    assert np.abs(np.array(region.contour) - (65, 36)).max() < 8
    found = Inspection(
        path="a",
        verdict=Verdict.NG,
        score=1.0,
        p_value=0.0,
        threshold=0.5,
        regions=(region,),
        background=0.0,
        unseen=None,
        model=None,
        milliseconds=0.0,
        anomaly_map=values,
        geometry=geometry,
    )
    original = found.map_at_original()
    assert original.shape == SIZE and np.isnan(original[0, 0])
    np.testing.assert_allclose(original[place].mean(), 250 / 255, atol=0.05)
    assert np.nanmedian(original) == pytest.approx(90 / 255, abs=0.01)


def test_masks_follow_the_pictures(first):
    preprocessing = Preprocessing(resize=(40, 60), crop=None, first=first)
    mask = Image.fromarray(np.asarray(spotted((slice(30, 42), slice(60, 70))))[..., 0] // 250 * 255)
    bright = preprocessing.image(spotted((slice(30, 42), slice(60, 70)))).mean(0) > 0.6
    assert (preprocessing.mask(mask) == bright).float().mean() > 0.98


def samples():
    def opened(path):
        return spotted((slice(int(path.stem), int(path.stem) + 9), slice(20, 50)))

    return [Sample(Path(f"{row}.png"), open=opened) for row in (10, 20, 30, 40)]


@pytest.fixture
def pipeline(first):
    preprocessing = Preprocessing(resize=(16, 24), crop=None, first=first)
    return Pipeline(Pixels(), Identity(), Gaussian(), map=AnomalyMap(1.0), preprocessing=preprocessing).fit(
        samples()
    )


def test_a_stored_model_has_it_and_lists_it(pipeline, tmp_path):
    save(pipeline, tmp_path / "model")
    loaded = load(tmp_path / "model")
    expected, found = (one.predict(samples()) for one in (pipeline, loaded))
    assert torch.equal(found.anomaly_maps, expected.anomaly_maps)
    plugins = json.loads((tmp_path / "model" / "manifest.json").read_text())["plugins"]
    assert ("preprocessors", "perspective") in {(one["family"], one["name"]) for one in plugins}
    with pytest.raises(
        CannotExport, match=r'Perspective \("first" of the preprocessing\) cannot be exported'
    ):
        export(tmp_path / "model", tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
    pipeline.preprocessing = Preprocessing(resize=(16, 24), crop=None)
    with pytest.raises(CannotMerge):
        loaded.merge(pipeline)


def test_variants_made_before_the_resize_are_changed_once(first):
    preprocessing = Preprocessing(resize=(16, 24), crop=(12, 20), first=first)
    reader = Reader(preprocessing, workers=0)
    still = Augmentation(before_resize=("RandomHorizontalFlip(p=0.0)",))
    (plain,), (varied,) = (
        list(one) for one in (reader.batches(samples()), reader.batches(samples()).augmented(still))
    )
    assert torch.equal(varied.images, plain.images)


def test_settings_and_command_line_name_it_and_leave_it_out_if_there_is_none(tmp_path):
    named = {"class_path": "perspective", "init_args": {"corners": [list(corner) for corner in CORNERS]}}
    parts = {"backbone": "pixels", "reducer": "identity", "density": "gaussian"}
    given = {"pipeline": parts | {"preprocessing": {"first": named}}, "data": "synthetic"}
    assert resolved(given, {})["pipeline"]["preprocessing"]["first"] == named
    (tmp_path / "given.yaml").write_text(yaml.safe_dump(given))
    assert load_recipe(tmp_path / "given.yaml").preprocessing.first.corners == CORNERS
    parser = evaluate_parser()
    words = ["padim-filter-bank", "--data=synthetic", "--pipeline.preprocessing.first=perspective"]
    words += [f"--pipeline.preprocessing.first.corners={json.dumps(CORNERS)}"]
    found = plain(parser, parse_pipeline(parser, EVALUATE, words)[0])
    assert found["pipeline"]["preprocessing"]["first"] == named
    without = resolved(given | {"pipeline": parts}, {})["pipeline"]["preprocessing"]
    assert "first" not in without and "first" not in describe(Preprocessing())
    (tmp_path / "given.yaml").write_text(
        yaml.safe_dump({"pipeline": parts | {"preprocessing": {"first": "f"}}})
    )
    with pytest.raises(BadConfig.__base__, match='No plugin "f" in the family "preprocessors"'):
        load_recipe(tmp_path / "given.yaml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"corners": [list(corner) for corner in CORNERS[::-1]]}, '^Expected four "corners" clockwise'),
        (
            {"corners": [[0, 0], [1, 0], [1, 1]]},
            '"perspective": Parser key "corners": Expected a tuple with 4',
        ),
        ({}, '"perspective": the following arguments are required: corners'),
    ],
)
def test_wrong_corners_in_settings_are_named(tmp_path, arguments, message):
    first = {"class_path": "perspective", "init_args": arguments}
    parts = {"backbone": "pixels", "reducer": "identity", "density": "gaussian"}
    given = {"pipeline": parts | {"preprocessing": {"first": first}}}
    (tmp_path / "given.yaml").write_text(yaml.safe_dump(given))
    with pytest.raises((BadArgument, BadConfig), match=message):
        load_recipe(tmp_path / "given.yaml")


def test_an_argument_of_no_preprocessor_is_answered_with_the_form_of_one():
    parser = evaluate_parser()
    words = ["padim-filter-bank", "--data=synthetic", "--pipeline.preprocessing.first.corners=5"]
    with pytest.raises(BadConfig, match='first" is one of: {class_path, init_args}, null'):
        parse_pipeline(parser, EVALUATE, words)
