"""Commands take several pages of a TIFF as several images."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiff_pages import write_tiff

from padimkit import Inspector, load, load_calibration, load_learnt
from padimkit.cli.main import main


def pixels_of(folder, numbers):
    return [np.asarray(Image.open(folder / f"{number:03}.png").convert("RGB")) for number in numbers]


@pytest.fixture
def stacks(good, tmp_path):
    """Two files with six of the twelve training images each."""
    (tmp_path / "stacks").mkdir()
    write_tiff(tmp_path / "stacks" / "a.tiff", pixels_of(good, range(6)))
    write_tiff(tmp_path / "stacks" / "b.tiff", pixels_of(good, range(6, 12)))
    return tmp_path / "stacks"


@pytest.fixture
def model(learn, stacks):
    return learn(stacks)


def pages(stacks):
    return [f"{stacks / name}.tiff[{number}]" for name in "ab" for number in range(6)]


def lines(out):
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


def test_a_model_of_pages_is_that_of_files(model, stacks, learn, good):
    other = learn(good, "other")
    assert load_calibration(model) == load_calibration(other)
    learnt = load_learnt(model)
    assert [image.path for image in learnt] == pages(stacks)
    assert len({image.sha256 for image in learnt}) == 12
    image = good / "000.png"
    found, expected = (float(load(one).predict(image).image_scores) for one in (model, other))
    assert found == expected


def test_inspection_gives_each_page_a_line_and_a_picture(model, stacks, tmp_path):
    out = tmp_path / "out"
    main(
        [
            "inspect",
            str(model),
            str(stacks / "a.tiff"),
            f"{stacks / 'b.tiff'}[3]",
            f"--output={out}",
            "--pictures=all",
        ]
    )
    assert [line["path"] for line in lines(out)] == [*pages(stacks)[:6], f"{stacks / 'b.tiff'}[3]"]
    drawn = [path.name for path in sorted((out / "pictures").iterdir())]
    assert drawn == [*(f"00000{number + 1}-a[{number}].png" for number in range(6)), "000007-b[3].png"]


def test_a_page_that_cannot_be_read_is_a_line_and_others_are_inspected(model, good, tmp_path):
    stack, out = tmp_path / "scan.tiff", tmp_path / "out"
    write_tiff(stack, pixels_of(good, range(4)), damaged=(1,))
    assert main(["inspect", str(model), str(stack), f"--output={out}"]) == 3
    found = lines(out)
    assert [line["verdict"] == "ERROR" for line in found] == [False, True, False, False]
    assert f'"{stack}[1]" cannot be decoded' in found[1]["error"]


def test_an_inspection_goes_on_in_the_middle_of_a_file(model, stacks, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["inspect", str(model), str(stacks), f"--output={out}"]
    main(words)
    whole = (out / "results.jsonl").read_bytes().splitlines(keepends=True)
    (out / "results.jsonl").write_bytes(b"".join(whole[:8]))
    capsys.readouterr()
    main([*words, "--resume"])
    assert "8 of 12 images are done already" in capsys.readouterr().out
    assert (out / "results.jsonl").read_bytes().splitlines(keepends=True)[:8] == whole[:8]
    assert [line["path"] for line in lines(out)] == pages(stacks)


def test_predictions_have_a_map_and_an_overlay_for_each_page(model, stacks, tmp_path):
    out = tmp_path / "out"
    assert main(["predict", str(model), str(stacks), f"--output={out}"]) == 0
    with (out / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == pages(stacks)
    assert [row["overlay"] for row in rows[:2]] == ["overlays/a[0].png", "overlays/a[1].png"]
    assert len({row["map"] for row in rows}) == 12
    assert all((out / row["map"]).is_file() and (out / row["overlay"]).is_file() for row in rows)


def test_a_fit_names_the_page_that_cannot_be_read(good, recipe, stacks, refuse, tmp_path):
    write_tiff(stacks / "a.tiff", pixels_of(good, range(6)), damaged=(4,))
    words = ["--data=folder", f"--data.normal={stacks}", f"--output={tmp_path / 'none'}"]
    assert f'"{stacks / "a.tiff"}[4]" cannot be decoded' in refuse("fit", recipe, *words)
    assert not (tmp_path / "none").exists()


def test_learnt_pages_are_not_tested_on(model, stacks, good, refuse):
    words = ["--data=folder", f"--data.normal={good}", f"--data.test_normal={stacks}"]
    error = refuse("evaluate", model, *words, "--metrics=[image_auroc]")
    assert "12 of the 12 test images are among those that the model has learnt" in error


def test_a_model_of_pages_learns_more_of_them_and_knows_those_it_has(learn, good, tmp_path, capsys):
    more = tmp_path / "more.tiff"
    (tmp_path / "first").mkdir()
    write_tiff(tmp_path / "first" / "a.tiff", pixels_of(good, (0, 2, 3, 4, 5, 8, 9, 10)))
    model = learn(tmp_path / "first", "first_model")
    write_tiff(more, pixels_of(good, (1, 0, 6, 7, 11)))
    assert main(["update", str(model), str(more), f"--output={tmp_path / 'updated'}"]) == 0
    output = capsys.readouterr().out
    assert "Learnt 4 of 5 images" in output
    assert f'{more}[1] is learnt already, as "{tmp_path / "first" / "a.tiff"}[0]"' in output
    assert len(load_calibration(tmp_path / "updated").scores) == 12
    shutil.rmtree(tmp_path / "updated")
    write_tiff(tmp_path / "first" / "a.tiff", pixels_of(good, (0, 2)))
    assert main(["update", str(model), str(more), f"--output={tmp_path / 'updated'}"]) == 0
    assert "6 of 12 learnt images have moved or changed" in capsys.readouterr().out


def test_an_inspector_takes_the_bytes_of_several_pages(model, stacks):
    inspector, content = Inspector(model), (stacks / "a.tiff").read_bytes()
    found = list(inspector.each([stacks / "a.tiff", content]))
    assert [one.path for one in found] == [*pages(stacks)[:6], *(f"image 6[{number}]" for number in range(6))]
    assert [one.score for one in found[:6]] == [one.score for one in found[6:]]
    assert inspector(Path(pages(stacks)[2])).score == found[2].score
