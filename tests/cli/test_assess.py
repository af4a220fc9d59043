"""What `padimkit assess` measures, writes and refuses."""

import json
import re
import shutil

import pytest

from padimkit import load, load_calibration
from padimkit.cli.main import main


@pytest.fixture
def kinds(stripes):
    test = stripes / "stripes" / "test"
    return [f"--good={test / 'good'}", f"--bad={test / 'spot'}"]


def test_it_counts_the_verdicts_of_the_model(model, kinds, stripes, tmp_path, capsys):
    assert main(["assess", str(model), *kinds, f"--output={tmp_path / 'quality.html'}"]) == 0
    output = capsys.readouterr().out
    found = json.loads((tmp_path / "quality.json").read_text())
    calibration, pipeline = load_calibration(model), load(model)
    assert len(found["images"]) == 8 and found["threshold"] == calibration.threshold
    for image in found["images"]:
        score = float(pipeline.predict(image["path"]).image_scores)
        assert image["score"] == pytest.approx(score, rel=1e-5)
        assert image["verdict"] == calibration.verdict(image["score"]).value
        assert image["p_value"] == calibration.p_value(image["score"])
        assert image["anomalous"] is ("/spot/" in image["path"])
    verdicts = [image["verdict"] for image in found["images"] if image["anomalous"]]
    assert found["misses"]["count"] == verdicts.count("OK") and found["misses"]["total"] == 4
    assert found["best"]["fitted_to_these_images"] is True and found["image_auroc"] == 1.0
    assert f"Misses: {verdicts.count('OK')} of 4" in output and "quality.json" in output
    page = (tmp_path / "quality.html").read_text()
    assert "How good is model?" in page and len(re.findall("data:image/jpeg", page)) == 16


def test_pictures_are_capped_to_the_most_wrong(model, kinds, tmp_path):
    words = ["assess", str(model), *kinds, f"--output={tmp_path / 'quality.html'}", "--most_pictures=1"]
    assert main(words) == 0
    page = (tmp_path / "quality.html").read_text()
    shown = [float(score) for score in re.findall(r'data-score="([^"]+)"', page)]
    images = json.loads((tmp_path / "quality.json").read_text())["images"]
    bad = min(image["score"] for image in images if image["anomalous"])
    good = max(image["score"] for image in images if not image["anomalous"])
    assert shown == [bad, good]


def test_learnt_images_are_not_assessed_unless_asked_for(model, kinds, good, refuse, tmp_path):
    words = ["assess", model, f"--good={good}", kinds[1], f"--output={tmp_path / 'quality.html'}"]
    assert "12 of the 16 test images are among those that the model has learnt" in refuse(*words)
    assert not list(tmp_path.glob("*quality*"))
    assert main([*map(str, words), "--learnt_too"]) == 0


def test_an_image_cannot_be_good_and_bad(model, kinds, stripes, refuse, tmp_path):
    test = stripes / "stripes" / "test"
    shutil.copy(test / "spot" / "002.png", test / "good" / "same.png")
    error = refuse("assess", model, *kinds, f"--output={tmp_path / 'quality.html'}")
    assert 'same.png" is among the good images and "' in error and "among the bad" in error
    assert not list(tmp_path.glob("*quality*"))


def test_a_model_without_calibration_is_sent_to_the_command_that_mends_it(
    learn, good, kinds, refuse, tmp_path
):
    bare = learn(good, "bare", "--calibrate=false")
    error = refuse("assess", bare, *kinds, f"--output={tmp_path / 'quality.html'}")
    assert f"padimkit calibrate {bare}" in error and not list(tmp_path.glob("*quality*"))


def test_outputs_are_not_replaced_unless_asked_for(model, kinds, refuse, tmp_path):
    (tmp_path / "quality.json").write_text("mine")
    words = ["assess", str(model), *kinds, f"--output={tmp_path / 'quality.html'}"]
    assert "quality.json" in refuse(*words) and not (tmp_path / "quality.html").exists()
    assert main([*words, "--overwrite"]) == 0
    assert (tmp_path / "quality.json").read_text() != "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--output=quality.json"], "expected a name that ends in .html"),
        ([], '"output" is missing: pass --output FILE.html'),
        (["--output=q.html", "--most_pictures=-1"], 'Expected "most_pictures" of at least 0, got -1'),
    ],
)
def test_wrong_words_are_refused(model, kinds, refuse, words, said):
    assert said in refuse("assess", model, *kinds, *words)


def test_a_folder_without_images_is_refused(model, kinds, refuse, tmp_path):
    (tmp_path / "empty").mkdir()
    error = refuse(
        "assess", model, kinds[0], f"--bad={tmp_path / 'empty'}", f"--output={tmp_path / 'q.html'}"
    )
    assert "holds no images" in error
