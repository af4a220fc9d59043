"""`padimkit drift`: what has changed by the results of an inspection, and which results are refused."""

import json

import numpy as np
import pytest
from PIL import Image

from padimkit import load_calibration
from padimkit.cli.main import main
from padimkit.inspection.drift import find_drift
from padimkit.storage import model_digest


@pytest.fixture
def model(learn_once, good, common_seed, tmp_path):
    return learn_once(varied(good, tmp_path / "varied", 40, common_seed))


def varied(good, folder, count, seed, *, brighter=0):
    """A folder of the training images with noise, each of its own strength."""
    draw = np.random.default_rng(seed)
    folder.mkdir()
    paths = sorted(good.iterdir())
    for number in range(count):
        pixels = np.asarray(Image.open(paths[number % len(paths)])).astype(float) + brighter
        noisy = pixels + draw.uniform(2, 6) * draw.normal(0, 1, pixels.shape)
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(folder / f"{number:03}.png")
    return folder


@pytest.fixture
def results(model, good, seed, tmp_path, capsys):
    """Inspects some images, brightened by a number."""

    def results(count, brighter=0, extra=()):
        folder = varied(good, tmp_path / "seen", count, seed + 1, brighter=brighter)
        for name in extra:
            (folder / name).write_text("not an image")
        main(["inspect", str(model), str(folder), "--output", str(tmp_path / "out"), "--pictures=none"])
        capsys.readouterr()
        return tmp_path / "out" / "results.jsonl"

    return results


def lines(results):
    return [json.loads(line) for line in results.read_text().splitlines()]


def rewritten(results, change):
    results.write_text("".join(json.dumps(line | change) + "\n" for line in lines(results)))


def test_a_brighter_lamp_gives_status_1_and_the_image_of_its_beginning(model, results, capsys):
    found = results(30, brighter=60)
    assert main(["drift", str(found), "--model", str(model)]) == 1
    output = capsys.readouterr().out
    assert output.startswith("camera or light changed, by 30 images\nsince about image 1, ")
    assert (
        "000.png" in output and "certain at image " in output and " times that of the calibration" in output
    )


def test_normal_images_give_status_0(model, results, capsys):
    assert main(["drift", str(results(12)), "--model", str(model)]) == 0
    assert capsys.readouterr().out.startswith("nothing, by 12 images\n")


def test_as_json_it_is_what_python_says(model, results, capsys):
    found = results(24, brighter=60, extra=["bad.png"])
    assert main(["drift", str(found), "--model", str(model), "--json", "--false_alarms=0.05"]) == 1
    said = json.loads(capsys.readouterr().out)
    seen = [line for line in lines(found) if line["verdict"] != "ERROR"]
    expected = find_drift(
        [line["score"] for line in seen],
        [line["background"] for line in seen],
        load_calibration(model),
        false_alarms=0.05,
    )
    assert said["cause"] == expected.cause.value == "camera or light changed"
    assert said["errors"] == 1 and said["images"] == 24 and said["false_alarms"] == 0.05
    for name in ("evidence", "level", "alarm", "start", "ng", "local", "chance"):
        assert said[name] == getattr(expected, name)
    assert said["alarm_path"] == seen[expected.alarm - 1]["path"]


def test_images_that_could_not_be_inspected_are_left_out_and_counted(model, results, capsys):
    assert main(["drift", str(results(12, extra=["bad.png"])), "--model", str(model)]) == 0
    assert "Left out 1 image that could not be inspected" in capsys.readouterr().out


def test_results_of_an_exported_model_are_those_of_the_model(model, results, capsys):
    path, digest = results(12), model_digest(model)
    path.write_text(path.read_text().replace(digest, f"{digest}+onnx-float32-0123"))
    main(["drift", str(path), "--model", str(model), "--json"])
    assert json.loads(capsys.readouterr().out)["images"] == 12


def test_results_of_another_model_are_refused(model, results, learn, portion, refuse):
    other = learn(portion("fewer", range(8)), "other")
    assert "line 1 is the result of another model, or of one with another calibration" in refuse(
        "drift", results(12), "--model", other
    )


def test_a_model_without_a_calibration_is_refused(learn, good, results, refuse):
    bare = learn(good, "bare", "--calibrate=false")
    assert "has no calibration" in refuse("drift", results(12), "--model", bare)


def test_empty_results_are_refused(model, results, refuse):
    found = results(12)
    found.write_text("")
    assert "is empty: no image has been inspected." in refuse("drift", found, "--model", model)


def test_half_written_results_are_refused(model, results, refuse):
    found = results(12)
    found.write_text(found.read_text()[:-20])
    assert "is half written: padimkit inspect still runs or was stopped." in refuse(
        "drift", found, "--model", model
    )


def test_missing_results_are_refused(model, tmp_path, refuse):
    assert "cannot be read: No such file" in refuse("drift", tmp_path / "none.jsonl", "--model", model)
    assert "cannot be read: Is a directory" in refuse("drift", tmp_path, "--model", model)


@pytest.mark.parametrize("change", [{"score": None}, {"background": float("nan")}, {"score": "1"}])
def test_lines_that_are_not_results_are_refused(model, results, refuse, change):
    found = results(12)
    rewritten(found, change)
    assert "line 1 is not a result as padimkit inspect writes it." in refuse("drift", found, "--model", model)


@pytest.mark.parametrize("text", ["[]\n", "{}\n", "no json\n", '{"verdict": "OK", "model": "a"}\n'])
def test_other_files_are_refused(model, tmp_path, refuse, text):
    (tmp_path / "other.jsonl").write_text(text)
    assert "line 1 is not a result" in refuse("drift", tmp_path / "other.jsonl", "--model", model)


def test_results_of_errors_only_are_refused(model, results, refuse):
    found = results(0, extra=["bad.png", "worse.png"])
    assert "was inspected: all 2 have the verdict ERROR." in refuse("drift", found, "--model", model)


def test_no_model_is_refused(results, refuse):
    assert '"model" is missing: pass --model FOLDER' in refuse("drift", results(12))


def test_a_rate_out_of_range_is_refused(model, results, refuse):
    assert 'Expected "false_alarms" above 0' in refuse(
        "drift", results(12), "--model", model, "--false_alarms", "2"
    )
