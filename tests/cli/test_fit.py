"""What `padimkit fit` leaves out, and what it warns of."""

import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from padimkit import LearntImage, load, load_calibration, load_learnt
from padimkit.cli import fit as command
from padimkit.cli.main import main
from padimkit.inspection.doubts import doubts
from padimkit.storage import load_history


@pytest.fixture
def fit(good, tmp_path, capsys):
    """Fits on the training images, and returns the model, what was printed and the warnings."""
    recipe = tmp_path / "quick.yaml"
    recipe.write_text(
        "pipeline:\n  backbone: pixels\n  reducer: identity\n  density: gaussian\n"
        "  preprocessing: {resize: 32, crop: 28}\n"
    )

    def fit(name, *words):
        model = tmp_path / name
        data = ["--data=folder", f"--data.normal={good}", f"--output={model}"]
        assert main(["fit", str(recipe), *data, *words]) == 0
        printed = capsys.readouterr()
        return model, printed.out, printed.err

    return fit


def test_suspicious_images_are_dropped_where_that_is_asked_for(fit, good, stripes):
    expected, _, _ = fit("clean")
    shutil.copy(stripes / "stripes/test/spot/000.png", good / "bad.png")
    mixed, _, _ = fit("mixed")
    model, output, _ = fit("dropped", "--drop_suspicious")
    assert "Fitted on 12 images in " in output
    assert "Left out 1 suspicious images, far above the others:" in output
    (named,) = [line for line in output.splitlines() if line.endswith("bad.png")]
    assert float(named.split()[0]) == pytest.approx(load_calibration(mixed).suspicious[0].score, rel=1e-3)
    assert load_calibration(model) == load_calibration(expected)
    assert len(load_learnt(model)) == 12 and load_history(model)[0].left_out == 1
    images = good / "000.png"
    assert float(load(model).predict(images).image_scores) == float(
        load(expected).predict(images).image_scores
    )
    assert main(["info", str(model)]) == 0


def test_suspicious_images_are_drawn_where_the_model_is(fit, good, stripes, tmp_path):
    shutil.copy(stripes / "stripes/test/spot/000.png", good / "bad.png")
    mixed, output, _ = fit("mixed")
    assert output.rstrip().endswith(f"Pictures of them are in {mixed / 'suspicious'}")
    (drawn,) = (mixed / "suspicious").iterdir()
    assert drawn.name == "000001-bad.png"
    with Image.open(drawn) as picture, Image.open(good / "bad.png") as original:
        assert picture.size == original.size
        reddened = np.asarray(picture).astype(int)[..., 0] - np.asarray(picture)[..., 2]
        with Image.open(stripes / "stripes/ground_truth/spot/000_mask.png") as mask:
            marked = np.asarray(mask) > 0
    assert reddened[marked].mean() > 50 > reddened[~marked].mean()
    model, output, _ = fit("dropped", "--drop_suspicious")
    assert f"Pictures of them are in {model / 'left_out'}" in output
    assert (model / "left_out" / drawn.name).read_bytes() == drawn.read_bytes()
    assert not (model / "suspicious").exists()
    shutil.rmtree(model / "left_out")
    assert load(model).predict(good / "000.png", progress=False)


def test_a_fit_without_suspicious_images_draws_none_and_removes_earlier_ones(fit, good, stripes):
    shutil.copy(stripes / "stripes/test/spot/000.png", good / "bad.png")
    model, _, _ = fit("model")
    (good / "bad.png").unlink()
    _, output, _ = fit("model", "--overwrite")
    assert "Pictures" not in output and not (model / "suspicious").exists()


def test_without_suspicious_images_nothing_is_dropped(fit):
    model, output, _ = fit("model", "--drop_suspicious")
    assert "Left out" not in output and load_history(model)[0].left_out == 0
    assert load_calibration(model) == load_calibration(fit("plain")[0])


def test_the_time_that_is_printed_is_that_of_all_the_work(fit, good, stripes, monkeypatch):
    times = iter(range(0, 1000, 10))  # a clock that goes on by 10 s whenever it is read
    monkeypatch.setattr(command, "time", SimpleNamespace(perf_counter=lambda: next(times)))
    _, output, _ = fit("model")
    assert "Fitted on 12 images in 30.0 s, 10.0 s of them to calibrate; the model is in" in output
    _, output, _ = fit("bare", "--calibrate=false")
    assert "Fitted on 12 images in 10.0 s; the model is in" in output
    shutil.copy(stripes / "stripes/test/spot/000.png", good / "bad.png")
    _, output, _ = fit("dropped", "--drop_suspicious")
    assert "Fitted on 12 images in 50.0 s, 20.0 s of them to calibrate; the model is in" in output


def test_without_calibration_nothing_can_be_suspicious(good, refuse, tmp_path):
    words = ["--data=folder", f"--data.normal={good}", f"--output={tmp_path / 'model'}"]
    error = refuse("fit", "padim-filter-bank", *words, "--drop_suspicious", "--calibrate=false")
    assert '"drop_suspicious" needs "calibrate"' in error


def test_doubts_about_the_images_are_one_line_each_and_no_error(fit, good):
    shutil.copy(good / "003.png", good / "again.png")
    Image.new("RGB", (60, 50), "grey").save(good / "wide.png")
    _, _, warnings = fit("model")
    few, copies, sizes = [line for line in warnings.splitlines() if "warning" in line]
    assert all(line.startswith("padimkit fit: warning: ") for line in (few, copies, sizes))
    assert "Only 14 images were learnt; with fewer than 20" in few
    assert "1 of the 14 images are copies of others" in copies
    assert f'"{good / "again.png"}" of "{good / "003.png"}"' in copies
    assert "Images of 2 sizes are mixed (48 x 48, 50 x 60)" in sizes


def learnt(*digests):
    return [LearntImage(f"{number}.png", digest) for number, digest in enumerate(digests)]


def test_good_images_raise_no_doubt():
    assert list(doubts(learnt(*map(str, range(20))), [(48, 48, 20)])) == []
    assert list(doubts(learnt(*map(str, range(20))), [])) == []


def test_all_copies_are_counted():
    (said,) = doubts(learnt(*map(str, range(18)), "0", "0", "5"), [])
    assert '3 of the 21 images are copies of others, such as "18.png" of "0.png"' in said


def test_of_many_sizes_a_few_are_named():
    (said,) = doubts(learnt(*map(str, range(20))), [(side, 9, 1) for side in range(10, 15)])
    assert "Images of 5 sizes are mixed (10 x 9, 11 x 9, 12 x 9, ...)" in said


def test_a_rate_that_the_rest_cannot_promise_is_refused_before_a_second_fit(
    fit, good, stripes, refuse, tmp_path
):
    shutil.copy(stripes / "stripes/test/spot/000.png", good / "bad.png")
    recipe = tmp_path / "quick.yaml"
    words = ["--data=folder", f"--data.normal={good}", f"--output={tmp_path / 'model'}", "--drop_suspicious"]
    error = refuse("fit", recipe, *words, "--false_alarms=0.0715")
    assert "1 suspicious images are left out, and then: " in error and "there are 12" in error


@pytest.mark.parametrize("words", [["--review=2"], ["--false_alarms=0.4", "--review=0.2"]])
def test_a_rate_for_review_is_refused_before_the_fit(fit, good, refuse, tmp_path, words):
    data = ["--data=folder", f"--data.normal={good}", f"--output={tmp_path / 'model'}"]
    error = refuse("fit", tmp_path / "quick.yaml", *data, *words)
    assert 'Expected "review" from "false_alarms"' in error and "is fitted" not in error


def test_names_that_are_not_text_in_utf_8_are_kept(fit, good):
    odd = os.fsdecode(b"odd-\xff.png")
    shutil.copy(good / "000.png", good / odd)
    model, _, _ = fit("model")
    assert str(good / odd) in [image.path for image in load_learnt(model)]
