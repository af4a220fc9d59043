"""The inspector beside predictions and calibration, which it puts together."""

import io
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from torchvision.transforms.functional import resize

from padimkit import (
    AnomalyMap,
    BadArgument,
    BadData,
    BadImage,
    BadShape,
    Batch,
    Folder,
    Gaussian,
    Inspector,
    NotCalibrated,
    NotFitted,
    Pipeline,
    Pixels,
    Preprocessing,
    RandomChannels,
    Reader,
    Verdict,
    calibrate,
    load,
    load_calibration,
    save,
)
from padimkit.errors import BadFeatures
from padimkit.images.pages import Page
from padimkit.storage import computes_in, model_digest


def unfitted(preprocessing):
    return Pipeline(
        Pixels(), RandomChannels(keep=2), Gaussian(), map=AnomalyMap(1.0), preprocessing=preprocessing
    )


@pytest.fixture
def good(stripes):
    return stripes / "stripes" / "test" / "good"


@pytest.fixture
def bad(stripes):
    return stripes / "stripes" / "test" / "spot"


@pytest.fixture
def model(stripes, tmp_path):
    train = stripes / "stripes" / "train" / "good"
    pipeline = unfitted(Preprocessing(32, 28)).fit(train)
    save(pipeline, tmp_path / "model", calibration=calibrate(pipeline, train))
    return tmp_path / "model"


@pytest.fixture
def inspector(model):
    return Inspector(model)


def test_it_holds_what_predictions_and_calibration_give(inspector, model, good, bad):
    pipeline, calibration = load(model), load_calibration(model)
    for path in [*sorted(good.iterdir()), *sorted(bad.iterdir())]:
        found, predicted = inspector(path), pipeline.predict(path)
        (score,) = predicted.image_scores.tolist()
        assert (found.path, found.score) == (str(path), score)
        assert found.verdict is calibration.verdict(score) and found.p_value == calibration.p_value(score)
        assert found.threshold == calibration.threshold
        assert found.background == pytest.approx(float(np.median(predicted.anomaly_maps[0])))
        assert found.unseen == pytest.approx(1 - (28 / 32) ** 2)
        assert found.model == model_digest(model) and found.error is None and found.milliseconds > 0
        np.testing.assert_array_equal(found.anomaly_map, predicted.anomaly_maps[0])


def test_good_and_bad_images_are_told_apart_and_the_defect_is_found(inspector, good, bad):
    assert {found.verdict for found in inspector.each(good)} <= {Verdict.OK, Verdict.REVIEW}
    for found in inspector.each(bad):
        assert found.verdict is Verdict.NG
        name = found.path.rpartition("/")[2].replace(".png", "_mask.png")
        with Image.open(bad.parents[1] / "ground_truth" / "spot" / name) as mask:
            left, top, right, bottom = mask.getbbox()
        x, y = found.regions[0].centre
        assert left <= x <= right and top <= y <= bottom
        assert found.regions[0].box == pytest.approx((left, top, right, bottom), abs=3)


def test_all_forms_of_an_image_give_the_same(inspector, bad):
    path = bad / "000.png"
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    expected = inspector(path)
    content = path.read_bytes()
    read = io.BytesIO(content)
    read.read()  # as after another use of it
    given = (str(path), content, bytearray(content), memoryview(content), read, picture, np.asarray(picture))
    for form in (*given, np.asarray(picture)[None]):
        found = inspector(form)
        assert (found.score, found.regions) == (expected.score, expected.regions)


def test_a_named_temporary_file_is_an_open_file(inspector, bad):
    """As a service may hand one over; it wraps a file, and is none by its class."""
    with tempfile.NamedTemporaryFile() as file:
        file.write((bad / "000.png").read_bytes())
        assert inspector(file).score == inspector(bad / "000.png").score
    with tempfile.NamedTemporaryFile("w+") as file, pytest.raises(BadArgument, match="is not understood"):
        inspector(file)


def test_a_picture_that_was_opened_by_bytes_is_named_by_its_path(inspector, bad):
    path = bad / "000.png"
    with Image.open(os.fsencode(path)) as picture:
        assert inspector(picture).path == str(path)


def test_a_tensor_is_what_the_model_sees(inspector, model, bad):
    image = load(model).preprocessing.image(Image.open(bad / "000.png"))
    found = inspector(image)
    assert found.score == inspector(bad / "000.png").score and found.unseen == 0
    assert found.geometry.original == (28, 28)
    assert [one.score for one in inspector.each(image[None])] == [found.score]


def test_many_images_give_what_one_by_one_gives(model, good, bad):
    paths = [*sorted(good.iterdir()), *sorted(bad.iterdir())]
    alone = [Inspector(model)(path) for path in paths]
    for workers in (0, 3):
        together = list(Inspector(model, batch_size=3, workers=workers).each(paths))
        assert [found.path for found in together] == [found.path for found in alone]
        assert [found.verdict for found in together] == [found.verdict for found in alone]
        np.testing.assert_allclose([f.score for f in together], [f.score for f in alone], rtol=1e-6)


def test_folders_and_arrays_of_several_images_are_many(inspector, good):
    arrays = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in sorted(good.iterdir())])
    expected = [found.score for found in inspector.each(good)]
    for many in (str(good), [good], arrays, iter(arrays), (path for path in sorted(good.iterdir()))):
        assert [found.score for found in inspector.each(many)] == pytest.approx(expected)
    assert len(list(inspector.each(arrays[0]))) == len(list(inspector.each(good / "000.png"))) == 1
    assert [found.path for found in inspector.each(arrays)] == [f"image {n}" for n in range(4)]


def test_an_image_that_cannot_be_read_is_an_error_and_not_the_end(inspector, good, tmp_path):
    whole = (good / "000.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").touch()
    given = [
        good / "000.png",
        tmp_path / "cut.png",
        tmp_path / "empty.png",
        tmp_path / "none.png",
        b"no",
        whole,
    ]
    found = list(inspector.each(given))
    assert [one.verdict is Verdict.ERROR for one in found] == [False, True, True, True, True, False]
    assert [one.path for one in found[1:5]] == [*map(str, given[1:4]), "image 4"]
    for one, reason in zip(
        found[1:5], ("cannot be decoded", "0 bytes", "does not exist", "2 bytes"), strict=True
    ):
        assert reason in one.error and one.score is None and one.regions == ()
        assert one.threshold == found[0].threshold and one.model == found[0].model
        with pytest.raises(BadImage, match="has no anomaly map"):
            one.map_at_original()


def test_an_image_that_does_not_fit_the_model_is_an_error(stripes, good, tmp_path):
    pipeline = unfitted(Preprocessing(None, None)).fit(stripes / "stripes" / "train" / "good")
    inspector = Inspector(pipeline, calibrate(pipeline, stripes / "stripes" / "train" / "good"))
    Image.new("RGB", (48, 40)).save(tmp_path / "other.png")
    assert "40 x 48 pixels" in inspector(tmp_path / "other.png").error
    assert inspector(good / "000.png").error is None
    pipeline.preprocessing = Preprocessing(None, 44)
    Image.new("RGB", (40, 40)).save(tmp_path / "small.png")
    assert 'smaller than "crop"' in inspector(tmp_path / "small.png").error


def test_of_a_batch_only_the_image_that_cannot_be_scored_is_an_error(inspector, good, monkeypatch):
    whole = Pipeline.predict_batch

    def broken(self, batch):
        if any(path.endswith("001.png") for path in batch.paths):
            raise BadFeatures("NaN.")
        return whole(self, batch)

    monkeypatch.setattr(Pipeline, "predict_batch", broken)
    assert [found.error for found in inspector.each(good)] == [None, "NaN.", None, None]


@pytest.mark.parametrize(
    "image", [5, None, {"a": 1}, np.zeros((4, 4, 2)), torch.zeros(4, 4), torch.zeros(3, 5, 5)]
)
def test_what_is_not_an_image_is_refused(inspector, image):
    with pytest.raises((BadArgument, BadShape)):
        inspector(image)


def test_a_wrong_kind_among_several_is_an_error_and_not_the_end(inspector, good, tmp_path):
    """As where a camera gives nothing once, and a folder has a broken file."""
    (tmp_path / "empty").mkdir()
    closed = io.BytesIO()
    closed.close()
    path = good / "000.png"
    wrong = [None, 5, np.zeros((4, 4, 2)), torch.zeros(3, 5, 5), torch.zeros(4, 4), tmp_path / "empty", ""]
    wrong += [[path], closed, io.StringIO("text"), next(iter(Reader().batches(Folder(good).train())))]
    found = list(inspector.each([path, *wrong, path]))
    assert [one.verdict is Verdict.ERROR for one in found] == [False, *[True] * len(wrong), False]
    assert [one.path for one in found[1:3]] == ["image 1", "image 2"]
    assert "NoneType is not understood as an image. Pass a path, " in found[1].error
    assert found[6].path == str(tmp_path / "empty") and "holds no images" in found[6].error
    assert found[0].score == found[-1].score


@pytest.mark.parametrize("kind", [torch.uint16, torch.int64, torch.bool, torch.complex64, torch.float32])
def test_a_tensor_of_wrong_values_is_an_error_and_not_the_end(inspector, bad, kind):
    """As an array of them is."""
    wrong = torch.full((3, 28, 28), 200).to(kind)
    first, last = inspector.each([wrong, bad / "000.png"])
    assert first.verdict is Verdict.ERROR and last.verdict is Verdict.NG
    assert first.path == "image 0" and f"got {kind}" in first.error


def test_what_is_not_several_images_is_refused_at_once(inspector, good):
    for wrong in (None, 5, np.zeros((4, 4, 2)), next(iter(Reader().batches(Folder(good).train())))):
        with pytest.raises((BadArgument, BadShape)):
            list(inspector.each(wrong))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ([], "Expected one image, got a list. Pass several to Inspector.each."),
        ((1, 2), "Expected one image, got a tuple. Pass several to Inspector.each."),
        (iter([]), "Expected one image, got a list_iterator. Pass several to Inspector.each."),
        (np.zeros((2, 8, 8, 3), np.uint8), "Expected one image, got 2. Pass several to Inspector.each."),
        (Batch(torch.zeros(2, 3, 28, 28), ("a", "b")), "Batch is not understood as an image. Pass a path, "),
        (5, "and several of these, or a folder, to Inspector.each."),
    ],
)
def test_messages_advise_only_what_is_taken(inspector, image, message):
    with pytest.raises(BadArgument) as caught:
        inspector(image)
    assert message in str(caught.value) and "batches" not in str(caught.value)


def test_several_images_are_not_one(inspector, good):
    with pytest.raises(BadArgument, match=r"Expected one image, got 4. Pass several to Inspector.each."):
        inspector(good)
    with pytest.raises(BadArgument, match="Expected one image"):
        inspector(torch.zeros(2, 3, 28, 28))


def test_an_empty_folder_is_refused(inspector, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadData, match="holds no images"):
        list(inspector.each(tmp_path / "empty"))


def test_a_model_without_calibration_is_refused_with_the_command_that_mends_it(inspector, tmp_path):
    save(inspector.pipeline, tmp_path / "bare")
    with pytest.raises(NotCalibrated, match=r"Run: padimkit calibrate .*bare --data"):
        Inspector(tmp_path / "bare")
    with pytest.raises(NotCalibrated, match=r"padimkit\.calibrate\(pipeline, images\)"):
        Inspector(inspector.pipeline)


def test_a_stored_model_takes_no_other_calibration(inspector, model):
    with pytest.raises(BadArgument, match="of its own"):
        Inspector(model, inspector.calibration)


def test_a_pipeline_that_is_not_fitted_is_refused(inspector):
    with pytest.raises(NotFitted):
        Inspector(unfitted(Preprocessing(32, 28)), inspector.calibration)


def test_a_pipeline_with_its_calibration_does_as_well(inspector, bad):
    other = Inspector(inspector.pipeline, inspector.calibration)
    assert other.model is None
    assert other(bad / "000.png").score == inspector(bad / "000.png").score


def test_another_calibration_makes_another_model(inspector, model, tmp_path, stripes):
    train = stripes / "stripes" / "train" / "good"
    save(inspector.pipeline, tmp_path / "same", calibration=inspector.calibration)
    save(inspector.pipeline, tmp_path / "other", calibration=calibrate(inspector.pipeline, train, 0.5))
    assert model_digest(tmp_path / "same") == model_digest(model) != model_digest(tmp_path / "other")


def test_another_precision_makes_another_model(model, inspector):
    assert Inspector(model, precision="float32").model == inspector.model == model_digest(model)
    settings = yaml.safe_load((model / "config.yaml").read_text())
    settings["pipeline"]["density"]["init_args"]["storage"] = "half"
    (model / "config.yaml").write_text(yaml.safe_dump(settings))
    assert not computes_in(model, "float32")
    settings["pipeline"]["backbone"]["init_args"]["precision"] = "float32"
    (model / "config.yaml").write_text(yaml.safe_dump(settings))
    assert not computes_in(model, "bfloat16")


def test_calls_from_four_threads_equal_calls_one_after_another(model, good, bad):
    paths = 4 * [*sorted(good.iterdir()), *sorted(bad.iterdir())]
    inspector = Inspector(model)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(inspector, paths))
    for found, path in zip(together, paths, strict=True):
        expected = inspector(path)
        assert (found.score, found.regions, found.path) == (expected.score, expected.regions, str(path))


def test_the_map_comes_back_at_the_size_of_the_original(inspector, bad):
    found = inspector(bad / "000.png")
    whole = found.map_at_original()
    assert whole.shape == (48, 48)
    seen = np.isfinite(whole)
    assert seen[3:45, 3:45].all() and seen.sum() == 42 * 42  # 48 * 28 / 32
    expected = resize(torch.from_numpy(found.anomaly_map.copy())[None], [42, 42], antialias=False)[0]
    np.testing.assert_allclose(whole[3:45, 3:45], expected, rtol=1e-4, atol=1e-4)
    row, column = np.unravel_index(np.nanargmax(whole), whole.shape)
    left, top, right, bottom = found.regions[0].box
    assert left <= column < right and top <= row < bottom


def test_the_map_of_an_oblong_image_comes_back_in_its_shape(inspector):
    gradient = np.tile(np.arange(300, dtype=np.float32) % 256, (100, 1)).astype(np.uint8)
    found = inspector(gradient)
    assert found.map_at_original().shape == (100, 300)


def test_plain_types_hold_all_but_the_map(inspector, bad):
    found = inspector(bad / "000.png")
    line = json.loads(json.dumps(found.as_dict()))
    assert line["verdict"] == "NG" and line["score"] == found.score and "anomaly_map" not in line
    assert tuple(line["regions"][0]["box"]) == found.regions[0].box
    assert len(line["regions"][0]["contour"]) == len(found.regions[0].contour)


def test_an_inspection_cannot_be_changed(inspector, bad):
    found = inspector(bad / "000.png")
    with pytest.raises(AttributeError):
        found.score = 0.0
    with pytest.raises(ValueError):
        found.anomaly_map[0, 0] = 0.0


def test_bytes_are_turned_by_their_orientation(inspector, bad):
    with Image.open(bad / "000.png") as opened:
        turned = opened.convert("RGB").transpose(Image.Transpose.ROTATE_90)
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    turned.save(file, "png", exif=exif)
    assert inspector(file.getvalue()).score == inspector(bad / "000.png").score


def test_places_in_a_region_of_interest_are_those_of_the_whole_image(stripes, bad):
    train = stripes / "stripes" / "train" / "good"
    pipeline = unfitted(Preprocessing(None, None, roi=(8, 6, 44, 44))).fit(train)
    inspector = Inspector(pipeline, calibrate(pipeline, train))
    for found in inspector.each(bad):
        name = found.path.rpartition("/")[2].replace(".png", "_mask.png")
        with Image.open(bad.parents[1] / "ground_truth" / "spot" / name) as mask:
            assert found.regions[0].box == pytest.approx(mask.getbbox(), abs=3)
        assert found.unseen == pytest.approx(1 - 36 * 38 / 48**2)
        assert np.isfinite(found.map_at_original()).sum() == 36 * 38


def test_a_mask_of_interest_counts_as_not_seen(stripes, bad, tmp_path):
    train = stripes / "stripes" / "train" / "good"
    mask = np.zeros((48, 48), dtype=np.uint8)
    mask[12:36, 12:36] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    pipeline = unfitted(Preprocessing(None, None, roi=tmp_path / "mask.png")).fit(train)
    assert Inspector(pipeline, calibrate(pipeline, train))(bad / "000.png").unseen == pytest.approx(0.75)


def test_what_a_mask_of_interest_hides_counts_for_no_background_region_or_map(stripes, bad, tmp_path):
    """Else the zeros there would be the background, and the region of a spot all that is looked at."""
    train = stripes / "stripes" / "train" / "good"
    looked = np.zeros((48, 48), dtype=bool)
    with Image.open(bad.parents[1] / "ground_truth" / "spot" / "000_mask.png") as spot:
        left, top, *_ = spot.getbbox()
    rows, columns = (slice(max(0, start - 8), start + 16) for start in (top, left))
    looked[rows, columns] = True
    Image.fromarray(looked).save(tmp_path / "mask.png")
    pipeline = unfitted(Preprocessing(None, None, roi=tmp_path / "mask.png")).fit(train)
    calibration = calibrate(pipeline, train)
    (maps,) = (one.anomaly_maps for *_, one in pipeline.predict_left_out(train, batch_size=99))
    within = maps.numpy()[:, looked]
    assert calibration.maps.backgrounds == pytest.approx(sorted(np.median(within, axis=1)))
    assert dict(calibration.maps.quantiles)[0.01] == pytest.approx(np.quantile(within, 0.01))
    found = Inspector(pipeline, calibration)(bad / "000.png")
    assert found.background == np.median(found.anomaly_map[looked]) > 0
    assert found.regions[0].area < looked.sum() / 2
    assert (np.isfinite(found.map_at_original()) == looked).all()


def test_images_that_are_read_apart_are_judged_together(inspector, good, bad):
    paths = [*sorted(good.iterdir()), *sorted(bad.iterdir())]
    named = [Page(f"{number}.png", path.read_bytes()) for number, path in enumerate(paths)]
    found = inspector.judge([inspector.read(page) for page in (*named, Page("none.png", b""))])
    assert [one.path for one in found] == [*(page.name for page in named), "none.png"]
    assert [one.score for one in found[:-1]] == pytest.approx(
        [inspector(path).score for path in paths], rel=1e-5
    )
    assert found[-1].verdict is Verdict.ERROR and '"none.png" (0 bytes)' in found[-1].error
