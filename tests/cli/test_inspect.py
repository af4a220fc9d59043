"""`padimkit inspect`: verdicts on disk, whatever happens to images and to the run."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from padimkit import Inspector, load_calibration
from padimkit.cli.main import main
from padimkit.inspection.pictures import map_range
from padimkit.storage import model_digest


@pytest.fixture
def bad(stripes):
    return stripes / "stripes" / "test" / "spot"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def inspect(*words):
    return main(["inspect", *map(str, words)])


def lines(out):
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


def fails(capsys, *words):
    assert inspect(*words) == 2
    error = capsys.readouterr().err
    assert error.startswith("padimkit inspect: error: ") and "Traceback" not in error
    return error


def ok_only(model, folder, target):
    """A folder of the images among those of another that are OK."""
    target.mkdir()
    for found in Inspector(model).each(folder):
        if found.verdict.value == "OK":
            shutil.copy(found.path, target)
    return target


def test_each_image_has_a_line_that_holds_its_inspection(model, good, bad, out, capsys):
    assert inspect(model, good, bad, "--output", out) == 1
    expected = [found.as_dict() for found in Inspector(model).each([good, bad])]
    for found, wanted in zip(lines(out), json.loads(json.dumps(expected)), strict=True):
        assert found | {"milliseconds": 0} == wanted | {"milliseconds": 0}
    assert {line["verdict"] for line in lines(out)[12:]} == {"NG"}
    output = capsys.readouterr().out
    assert "16 images: " in output and "4 NG, 0 ERROR" in output and f"results are in {out}" in output
    assert "The model does not look at 23.4% of an image" in output


def test_the_table_holds_the_same(model, good, bad, out):
    inspect(model, good, bad, "--output", out)
    with (out / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, line in zip(rows, lines(out), strict=True):
        assert row["path"] == line["path"] and row["verdict"] == line["verdict"]
        assert float(row["score"]) == line["score"] and float(row["p_value"]) == line["p_value"]
        assert int(row["regions"]) == len(line["regions"])
        box = [row[name] for name in ("left", "top", "right", "bottom")]
        assert [float(value) for value in box if value] == (
            line["regions"][0]["box"] if line["regions"] else []
        )
        assert row["error"] == ""


def test_the_status_is_0_if_all_images_are_ok(model, good, out, tmp_path):
    assert inspect(model, ok_only(model, good, tmp_path / "ok"), "--output", out) == 0


def test_images_for_review_are_named_with_the_reason_and_are_not_ok(model, bad, out, capsys):
    path = model / "calibration.json"
    found = Inspector(model)(bad / "000.png")
    raised = json.loads(path.read_text()) | {
        "threshold": found.score + 1,
        "review_threshold": found.score - 1,
    }
    _rewritten(model, raised)
    assert inspect(model, bad / "000.png", "--output", out) == 1
    output = capsys.readouterr().out
    assert "1 image: 0 OK, 1 REVIEW, 0 NG, 0 ERROR" in output
    assert f"1 for review, score above {found.score - 1:.4g}, but not above {found.score + 1:.4g}:" in output
    assert f"{found.score:.4g}  {bad / '000.png'}" in output


def _rewritten(model, calibration):
    from padimkit.files import file_digest

    (model / "calibration.json").write_text(json.dumps(calibration))
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["sha256"]["calibration.json"] = file_digest(model / "calibration.json")
    (model / "manifest.json").write_text(json.dumps(manifest))


def test_an_unreadable_image_is_a_line_and_weighs_most(model, good, bad, out, capsys):
    (good / "0005.png").write_bytes((good / "005.png").read_bytes()[:300])
    assert inspect(model, good, bad, "--output", out) == 3
    found = lines(out)
    assert [line["path"] for line in found if line["verdict"] == "ERROR"] == [str(good / "0005.png")]
    (broken,) = [line for line in found if line["verdict"] == "ERROR"]
    assert "cannot be decoded" in broken["error"] and broken["score"] is None and len(found) == 17
    output = capsys.readouterr().out
    assert f'1 not inspected:\n  "{good / "0005.png"}" cannot be decoded' in output


@pytest.mark.parametrize(("pictures", "count"), [("ng", 4), ("all", 5), ("none", 0)])
def test_pictures_are_drawn_of_what_is_asked_for(model, good, bad, out, tmp_path, pictures, count):
    one = ok_only(model, good, tmp_path / "ok")
    first = sorted(one.iterdir())[0]
    inspect(model, first, bad, "--output", out, f"--pictures={pictures}")
    drawn = sorted((out / "pictures").iterdir()) if count else []
    assert len(drawn) == count and (out / "pictures").exists() == bool(count)
    if count:
        assert drawn[-1].name == "000005-003.png"


def test_a_picture_has_the_size_of_the_original_and_red_in_the_defect(model, bad, out, tmp_path):
    with Image.open(bad / "000.png") as opened:
        opened.convert("L").resize((300, 150)).save(tmp_path / "large.png")
    inspect(model, tmp_path / "large.png", "--output", out)
    with Image.open(out / "pictures" / "000001-large.png") as picture:
        assert picture.size == (300, 150)
        pixels = np.asarray(picture).astype(int)
    x, y = lines(out)[0]["regions"][0]["centre"]
    red, _, blue = pixels[round(y), round(x)]
    assert red > blue + 50
    with Image.open(tmp_path / "large.png") as original:
        np.testing.assert_array_equal(pixels[:5, :, 0], np.asarray(original)[:5])  # the margin is not seen


def test_a_good_picture_is_not_red_when_it_is_alone(model, good, out, tmp_path):
    first = sorted(ok_only(model, good, tmp_path / "ok").iterdir())[0]
    inspect(model, first, "--output", out, "--pictures=all")
    (path,) = (out / "pictures").iterdir()
    with Image.open(path) as picture, Image.open(first) as original:
        reddened = np.asarray(picture).astype(int)[..., 0] - np.asarray(original.convert("RGB"))[..., 0]
    assert (reddened > 50).mean() < 0.01


def test_maps_have_the_size_of_the_original_and_one_scale(model, bad, out):
    inspect(model, bad, "--output", out, "--maps", "--pictures=none")
    low, high = map_range(load_calibration(model).map_scale)
    assert json.loads((out / "scale.json").read_text()) == {"minimum": low, "maximum": high}
    found = Inspector(model)(bad / "002.png").map_at_original()
    with Image.open(out / "maps" / "000003-002.png") as picture:
        steps = np.asarray(picture)
    assert steps.dtype == np.uint16 and steps.shape == (48, 48)
    np.testing.assert_array_equal(steps == 0, np.isnan(found))
    seen = np.isfinite(found)
    values = low + (steps[seen].astype(float) - 1) / 65534 * (high - low)
    np.testing.assert_allclose(values, np.clip(found[seen], low, high), atol=(high - low) / 65534)


def test_a_run_goes_on_where_it_was_stopped(model, good, bad, out):
    assert inspect(model, good, bad, "--output", out, "--maps") == 1
    whole, table = (out / "results.jsonl").read_bytes(), (out / "results.csv").read_text()
    parts = whole.splitlines(keepends=True)
    (out / "results.jsonl").write_bytes(b"".join(parts[:14]) + parts[14][:40])
    (out / "results.csv").unlink()
    pictures = sorted((out / "pictures").iterdir())
    assert inspect(model, good, bad, "--output", out, "--maps", "--resume") == 1
    again = (out / "results.jsonl").read_bytes()
    assert again.splitlines()[:14] == whole.splitlines()[:14]
    assert [line["path"] for line in lines(out)] == [json.loads(part)["path"] for part in parts]
    assert len((out / "results.csv").read_text().splitlines()) == len(table.splitlines())
    assert sorted((out / "pictures").iterdir()) == pictures


def test_a_run_that_is_done_stays_as_it_is(model, bad, out, capsys):
    inspect(model, bad, "--output", out)
    before = (out / "results.jsonl").read_bytes()
    assert inspect(model, bad, "--output", out, "--resume") == 1
    assert (out / "results.jsonl").read_bytes() == before
    assert "4 of 4 images are done already" in capsys.readouterr().out


def test_resume_begins_where_there_is_nothing(model, bad, out):
    assert inspect(model, bad, "--output", out, "--resume") == 1
    assert len(lines(out)) == 4


def test_a_killed_process_leaves_whole_lines_and_is_resumed(model, good, out, tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    for number in range(100):
        shutil.copy(good / f"{number % 12:03}.png", many / f"{number:04}.png")
    words = ["inspect", str(model), str(many), "--output", str(out), "--batch_size=1", "--workers=0"]
    process = subprocess.Popen([sys.executable, "-m", "padimkit", *words], env=os.environ)
    file = out / "results.jsonl"
    while process.poll() is None and not (file.exists() and file.stat().st_size):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = [line for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
    assert before
    main([*words, "--resume"])
    assert [line["path"] for line in lines(out)] == sorted(map(str, many.iterdir()))
    assert file.read_text().startswith("".join(before))


def test_an_interrupted_run_says_how_to_go_on(model, bad, out, capsys, monkeypatch):
    each = Inspector.each

    def stopped(self, images):
        yield from list(each(self, images))[:2]
        raise KeyboardInterrupt

    monkeypatch.setattr(Inspector, "each", stopped)
    assert inspect(model, bad, "--output", out) == 130
    assert f"the results so far are in {out}; --resume goes on" in capsys.readouterr().err
    assert len(lines(out)) == 2


class TestBadInput:
    """Every mistake gets one message, and nothing is written."""

    def test_a_model_without_calibration(self, model, bad, out, capsys):
        (model / "calibration.json").unlink()
        manifest = json.loads((model / "manifest.json").read_text())
        del manifest["sha256"]["calibration.json"]
        (model / "manifest.json").write_text(json.dumps(manifest))
        message = fails(capsys, model, bad, "--output", out)
        assert f"Run: padimkit calibrate {model} --data" in message
        assert not out.exists()

    def test_results_of_another_model(self, model, bad, out, capsys):
        inspect(model, bad, "--output", out)
        before = (out / "results.jsonl").read_bytes()
        calibration = json.loads((model / "calibration.json").read_text())
        _rewritten(model, calibration | {"threshold": calibration["threshold"] * 2})
        message = fails(capsys, model, bad, "--output", out, "--resume")
        assert (
            'results.jsonl", line 1 is the result of another model, or of one with another calibration'
            in message
        )
        assert (out / "results.jsonl").read_bytes() == before

    @pytest.mark.parametrize("watch", [[], ["--watch"]])
    def test_results_of_another_precision(self, model, bad, out, capsys, watch):
        """Its lines must not be mixed with others: the scores differ."""
        inspect(model, bad, "--output", out)
        path, digest = out / "results.jsonl", model_digest(model)
        path.write_text(path.read_text().replace(digest, f"{digest}+bfloat16"))
        message = fails(capsys, model, bad, "--output", out, *(watch or ["--resume"]))
        assert f"another calibration or precision ({digest}+bfloat16; this one: {digest})" in message

    def test_damaged_results(self, model, bad, out, capsys):
        inspect(model, bad, "--output", out)
        parts = (out / "results.jsonl").read_bytes().splitlines(keepends=True)
        for damaged in (b"{}\n", b"[1]\n", b"?\n", b"\xff\n", b'{"model": "x"}\n'):
            (out / "results.jsonl").write_bytes(parts[0] + damaged + parts[2])
            assert "line 2 is not a result" in fails(capsys, model, bad, "--output", out, "--resume")

    def test_an_output_that_exists(self, model, bad, out, capsys):
        inspect(model, bad, "--output", out)
        assert "Pass --resume to go on where they end or --overwrite" in fails(
            capsys, model, bad, "--output", out
        )
        assert inspect(model, bad / "000.png", "--output", out, "--overwrite") == 1
        assert len(lines(out)) == 1 and len(list((out / "pictures").iterdir())) == 1

    def test_results_of_which_a_killed_overwrite_has_left_the_pictures(self, model, bad, out, monkeypatch):
        inspect(model, bad, "--output", out, "--maps")

        def killed(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("padimkit.inspection.results.shutil.rmtree", killed)
        assert inspect(model, bad / "000.png", "--output", out, "--overwrite") == 130
        assert lines(out) == [] and len(list((out / "pictures").iterdir())) == 4
        monkeypatch.undo()
        assert inspect(model, bad / "000.png", "--output", out, "--resume") == 1
        assert len(lines(out)) == len(list((out / "pictures").iterdir())) == 1
        assert sorted(path.name for path in out.iterdir() if path.name[0] != ".") == [
            "pictures",
            "results.csv",
            "results.jsonl",
        ]

    @pytest.mark.parametrize("name", ["results.jsonl", "scale.json", "results.csv", "pictures", "maps"])
    def test_earlier_results_that_lead_elsewhere(self, model, bad, out, capsys, name, tmp_path):
        (tmp_path / "mine").write_text("no line of results")
        out.mkdir()
        if name != "results.jsonl":
            (out / "results.jsonl").touch()
        (out / name).symlink_to(tmp_path / "mine")
        message = fails(capsys, model, bad, "--output", out, "--resume", "--maps")
        assert f'"{out / name}" is a link' in message
        assert (tmp_path / "mine").read_text() == "no line of results"

    def test_an_output_that_holds_something_else(self, model, bad, out, capsys):
        out.mkdir()
        (out / "mine.txt").write_text("mine")
        for option in ("--overwrite", "--resume", "--maps"):
            assert "is not empty and has no" in fails(capsys, model, bad, "--output", out, option)
        assert [path.name for path in out.iterdir()] == ["mine.txt"]

    def test_an_output_that_is_a_file(self, model, bad, out, capsys):
        out.write_text("mine")
        for option in ("--overwrite", "--resume", "--maps"):
            assert "is a file" in fails(capsys, model, bad, "--output", out, option)

    def test_no_output(self, model, bad, capsys):
        assert '"output" is missing' in fails(capsys, model, bad)

    def test_resume_and_overwrite(self, model, bad, out, capsys):
        assert "pass one of the two" in fails(capsys, model, bad, "--output", out, "--resume", "--overwrite")

    def test_an_output_inside_the_images(self, model, bad, capsys):
        assert "is inside the input" in fails(capsys, model, bad, "--output", bad / "out")

    def test_images_that_are_not_there(self, model, bad, out, capsys):
        assert "does not exist" in fails(capsys, model, bad / "none.png", "--output", out)
        assert not out.exists()

    def test_no_model(self, bad, out, tmp_path, capsys):
        assert "is not a model folder" in fails(capsys, tmp_path / "none", bad, "--output", out)
        assert not out.exists()

    def test_unknown_pictures(self, model, bad, out, capsys):
        assert "pictures" in fails(capsys, model, bad, "--output", out, "--pictures=some")
