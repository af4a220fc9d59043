"""What `padimkit update` learns, what it leaves out, and what it promises then."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from padimkit import BadConfig, Verdict, load, load_calibration, load_learnt
from padimkit.cli.main import main
from padimkit.inspection.calibration import Calibration, MapStatistics
from padimkit.inspection.recalibration import Rates, rates_of
from padimkit.storage import load_history, model_digest

MORE = (1, 6, 7, 11)  # the least anomalous ones, so none is above the threshold
FIRST = tuple(number for number in range(12) if number not in MORE)


@pytest.fixture
def first(learn, portion):
    return learn(portion("first", FIRST), "first_model")


@pytest.fixture
def update(tmp_path, capsys):
    def update(model, *words):
        output = tmp_path / "updated"
        assert main(["update", str(model), *map(str, words), f"--output={output}"]) == 0
        return output, capsys.readouterr().out

    return update


def test_an_updated_model_is_that_of_a_fit_on_all_images(first, learn, portion, update):
    updated, output = update(first, portion("more", MORE))
    whole = learn(portion("whole", range(12)))
    images = [str(path) for path in sorted(Path(whole.parent / "whole").iterdir())]
    found, expected = (load(model).predict(images) for model in (updated, whole))
    np.testing.assert_allclose(found.image_scores, expected.image_scores, rtol=1e-4)
    np.testing.assert_allclose(load_calibration(updated).scores, load_calibration(whole).scores, rtol=1e-3)
    assert {one.sha256 for one in load_learnt(updated)} == {one.sha256 for one in load_learnt(whole)}
    assert "Learnt 4 of 4 images" in output and "Left out" not in output
    assert "12 normal images, scored as if they had not been learnt: NG above" in output
    assert [(one.command, one.images) for one in load_history(updated)] == [("fit", 8), ("update", 4)]


def test_what_is_above_the_threshold_is_left_out_and_named(first, portion, stripes, update):
    more = portion("more", MORE)
    shutil.copy(stripes / "stripes/test/spot/000.png", more / "bad.png")
    before = load_calibration(first)
    score = float(load(first).predict(more / "bad.png").image_scores)
    assert before.verdict(score) is Verdict.NG
    updated, output = update(first, more)
    assert "Learnt 4 of 5 images" in output and "Left out 1:" in output
    said = f"bad.png scores {score:.4g}, above the threshold of {before.threshold:.4g}"
    assert said in output
    assert "bad.png" not in {Path(image.path).name for image in load_learnt(updated)}
    assert load_history(updated)[-1].left_out == 1


def test_images_for_review_are_learnt(learn, portion, update):
    doubtful = learn(portion("first", FIRST), "doubtful", "--false_alarms=0.25", "--review=0.99")
    scores = load(doubtful).predict(portion("more", MORE)).image_scores.tolist()
    verdicts = [load_calibration(doubtful).verdict(score) for score in scores]
    assert Verdict.REVIEW in verdicts
    _, output = update(doubtful, portion("more", MORE))
    assert f"Learnt {4 - verdicts.count(Verdict.NG)} of 4 images" in output and "of them REVIEW" in output


def test_a_rate_that_all_images_cannot_promise_is_refused_and_nothing_written(
    first, portion, refuse, tmp_path
):
    words = ["--false_alarms=0.01", f"--output={tmp_path / 'updated'}"]
    error = refuse("update", first, portion("more", MORE), *words)
    assert '"false_alarms" of 0.01 needs 99 normal images, and there are 12' in error
    assert not (tmp_path / "updated").exists()


def test_all_are_learnt_where_that_is_asked_for(first, portion, stripes, update):
    more = portion("more", MORE)
    shutil.copy(stripes / "stripes/test/spot/000.png", more / "bad.png")
    updated, output = update(first, more, "--learn=all")
    assert "Learnt 5 of 5 images (1 of them NG)" in output
    assert len(load_learnt(updated)) == 13
    assert [Path(image.path).name for image in load_calibration(updated).suspicious] == ["bad.png"]


def test_known_images_and_copies_are_not_learnt_twice(first, portion, update):
    more = portion("more", [0, 1, 6])
    shutil.copy(more / "006.png", more / "again.png")
    updated, output = update(first, more)
    assert "Learnt 2 of 4 images" in output and "Left out 2:" in output
    assert f'000.png is learnt already, as "{first.parent / "first" / "000.png"}"' in output
    assert 'again.png is learnt already, as "' in output
    assert len(load_learnt(updated)) == 10


def test_nothing_to_learn_is_an_error_and_nothing_is_written(first, portion, refuse, tmp_path):
    error = refuse("update", first, portion("more", FIRST), f"--output={tmp_path / 'updated'}")
    assert "None of the 8 images is to be learnt, so nothing was written" in error
    assert not (tmp_path / "updated").exists() and not list(tmp_path.glob(".updated*"))


def test_rates_that_were_asked_for_are_kept_and_usual_ones_follow_the_number(
    learn, portion, update, tmp_path
):
    asked = learn(portion("first", FIRST), "asked", "--false_alarms=0.25", "--review=0.4")
    updated, _ = update(asked, portion("more", MORE))
    found = load_calibration(updated)
    assert (found.false_alarms, found.review) == (0.25, 0.4)
    shutil.rmtree(updated)
    updated, _ = update(learn(portion("first", FIRST), "usual"), portion("more", MORE))
    assert load_calibration(updated).false_alarms == 1 / 13


def test_without_the_earlier_images_there_is_no_calibration_but_a_way_to_one(
    first, portion, stripes, update, capsys
):
    shutil.rmtree(first.parent / "first")
    updated, output = update(first, portion("more", MORE))
    assert "It has no calibration, since 8 of 12 learnt images have moved or changed" in output
    assert f"padimkit calibrate {updated} --data folder --data.normal FOLDER" in output
    assert not (updated / "calibration.json").exists() and len(load_learnt(updated)) == 12
    words = output.split("padimkit ")[-1].replace("FOLDER", str(stripes / "stripes/test/good")).split()
    assert main(words) == 0
    assert load_calibration(updated).held_out


def test_an_image_with_other_content_counts_as_lost(first, portion, update):
    shutil.copy(first.parent / "first/000.png", first.parent / "first/002.png")
    assert "since 1 of 12 learnt images have moved or changed" in update(first, portion("more", MORE))[1]


def test_a_model_without_calibration_is_sent_to_the_command_that_mends_it(
    learn, portion, refuse, update, tmp_path
):
    bare = learn(portion("first", FIRST), "bare", "--calibrate=false")
    error = refuse("update", bare, portion("more", MORE), f"--output={tmp_path / 'updated'}")
    assert f'"{bare}" has no calibration' in error and f"padimkit calibrate {bare}" in error
    assert error.rstrip().endswith("whatever their scores: --learn all.")
    updated, _ = update(bare, portion("more", MORE), "--learn=all")
    assert len(load_calibration(updated).scores) == 12


def test_a_density_that_cannot_be_updated_is_refused_in_one_sentence(learn_spade, portion, refuse, tmp_path):
    model = learn_spade(portion("first", FIRST), "spade")
    error = refuse("update", model, portion("more", MORE), f"--output={tmp_path / 'updated'}")
    assert error == "padimkit update: error: Spade cannot be updated. Fit on all images instead.\n"


def test_the_model_itself_is_never_written_unless_asked_for(first, portion, refuse, capsys):
    digest, more = model_digest(first), portion("more", MORE)
    assert "exists. Choose another output or pass --overwrite" in refuse(
        "update", first, more, f"--output={first}"
    )
    assert '"output" is missing' in refuse("update", first, more)
    assert model_digest(first) == digest
    assert main(["update", str(first), str(more), f"--output={first}", "--overwrite"]) == 0
    assert len(load_learnt(first)) == 12


@pytest.mark.parametrize("name", ["torn.png", "nowhere.png"])
def test_an_image_that_cannot_be_read_ends_it_with_nothing_written(first, portion, refuse, tmp_path, name):
    more = portion("more", MORE)
    (more / "torn.png").write_bytes(b"\x89PNG")
    error = refuse("update", first, more / name, f"--output={tmp_path / 'updated'}")
    assert name in error and not (tmp_path / "updated").exists()


def made(count, **rates):
    scores = [float(number) for number in range(count)]
    return Calibration.from_scores(scores, MapStatistics((1.0,) * count, (0.0,), ((0.5, 0.0),)), **rates)


def test_rates_of_several_models_must_agree():
    assert rates_of([made(10), made(150)], Rates()) == Rates()
    assert rates_of([made(50, false_alarms=0.2), made(60, false_alarms=0.2)], Rates()) == Rates(0.2)
    assert rates_of([made(50, false_alarms=0.2), made(60)], Rates(0.1)) == Rates(0.1)
    assert rates_of([], Rates()) == Rates()
    with pytest.raises(BadConfig, match='"false_alarms" of 0.2 and 0.0164. Pass --false_alarms RATE'):
        rates_of([made(50, false_alarms=0.2), made(60)], Rates())
    with pytest.raises(BadConfig, match='"review" of 0.5 and 0.3. Pass --review RATE'):
        rates_of([made(50, false_alarms=0.2, review=0.5), made(60, false_alarms=0.2, review=0.3)], Rates())
