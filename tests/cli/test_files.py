"""Files as people have them: in homes, behind links, with names in any encoding, beside other files."""

import csv
import logging
import os
import shutil
from types import SimpleNamespace

import pytest
from PIL import Image

from padimkit.cli import notes
from padimkit.cli.main import main
from padimkit.cli.notes import notes_shown


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def rows(folder):
    with (folder / "scores.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def test_paths_may_begin_with_the_home(model, good, home):
    assert main(["predict", "~/model", str(good), "--output=~/out", "--write=scores"]) == 0
    assert len(rows(home / "out")) == 12
    (home / "same.yaml").write_text("device: cpu\noutput: ~/second\n")
    words = ["~/model", "~/data/stripes/train/good", "--config=~/same.yaml", "--write=scores"]
    assert main(["predict", *words]) == 0
    assert len(rows(home / "second")) == 12


def test_data_may_begin_with_the_home(recipe, home, stripes):
    data = ["--data=folder", "--data.normal=~/data/stripes/train/good"]
    assert main(["fit", str(recipe), *data, "--output=~/fitted"]) == 0
    assert (home / "fitted" / "manifest.json").exists()


def test_a_home_of_nobody_is_refused(model, good, capsys):
    assert main(["predict", str(model), str(good), "--output=~nobody-at-all/out"]) == 2
    assert "begins with a home that is not known" in capsys.readouterr().err


def test_names_that_are_not_utf_8_go_through(model, good, tmp_path, capsys):
    name = os.fsdecode(b"caf\xe9.png")
    (tmp_path / "latin").mkdir()
    shutil.copy(good / "000.png", tmp_path / "latin" / name)
    assert main(["predict", str(model), str(tmp_path / "latin"), f"--output={tmp_path / 'out'}"]) == 0
    (row,) = rows(tmp_path / "out")
    assert row["path"] == str(tmp_path / "latin" / name)
    assert (tmp_path / "out" / row["map"]).name == name
    assert main(["inspect", str(model), str(tmp_path / "latin"), f"--output={tmp_path / 'found'}"]) in (0, 1)
    assert (tmp_path / "found" / "results.csv").read_bytes().count(b"caf\xe9.png") == 1


@pytest.mark.parametrize(
    ("write", "kinds"), [("all", ["maps", "overlays"]), ("maps", ["maps"]), ("scores", [])]
)
def test_pictures_of_predictions_may_be_left_out(model, good, tmp_path, capsys, write, kinds):
    out = tmp_path / "out"
    assert main(["predict", str(model), str(good), f"--output={out}", f"--write={write}"]) == 0
    assert sorted(path.name for path in out.iterdir()) == sorted([*kinds, "scale.json", "scores.csv"])
    assert all(len(list((out / kind).iterdir())) == 12 for kind in kinds)
    listed = {"all": "scores, maps and overlays are", "maps": "scores and maps are", "scores": "scores are"}
    assert f"Scored 12 images; {listed[write]} in" in capsys.readouterr().out


def test_what_is_left_out_is_said_once(model, portion, tmp_path, capsys):
    folder = portion("new", [0])
    (folder / "notes.txt").touch()
    assert main(["predict", str(model), str(folder), f"--output={tmp_path / 'out'}", "--write=scores"]) == 0
    said = capsys.readouterr().err
    assert said.count("padimkit predict: warning:") == 1 and '"notes.txt"' in said


def test_odd_masks_are_named(recipe, stripes, source, tmp_path, capsys):
    Image.new("L", (48, 48)).save(stripes / "stripes/ground_truth/spot/000_mask.png")
    assert main(["evaluate", str(recipe), *source]) == 0
    said = capsys.readouterr().err
    assert said.count("000_mask.png") == 1 and "marks nothing" in said


def test_what_a_fit_leaves_out_is_said_once(recipe, good, tmp_path, capsys):
    (good / "notes.txt").touch()
    data = ["--data=folder", f"--data.normal={good}", "--calibrate=false"]
    assert main(["fit", str(recipe), *data, f"--output={tmp_path / 'fitted'}"]) == 0
    assert capsys.readouterr().err.count('"notes.txt"') == 1


def test_many_notes_of_a_kind_are_counted(capsys):
    log = logging.getLogger("padimkit.images.truth")
    with notes_shown("fit"):
        for number in (*range(12), *range(12)):
            log.warning("The mask %d marks 100 %% of it.", number)
        log.warning("Red: \x1b[31m")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "padimkit fit: warning: The mask 0 marks 100 % of it." and len(lines) == 12
    assert lines[-2:] == [
        "padimkit fit: warning: Red: \\x1b[31m",
        'padimkit fit: warning: and 2 more of "The mask %d marks 100 % of it."',
    ]
    log.warning("Not shown any more.")
    assert "padimkit fit" not in capsys.readouterr().err


def test_a_command_that_runs_for_long_says_each_hour_what_is_still_so(capsys, monkeypatch):
    log, now = logging.getLogger("padimkit.images.truth"), [0.0]
    monkeypatch.setattr(notes, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with notes_shown("serve"):
        for hour in range(2):
            now[0] = 3601.0 * hour
            for number in range(11):
                log.warning("File %d has gone.", number)
    said = capsys.readouterr().err.splitlines()
    hourly = [f"padimkit serve: warning: File {number} has gone." for number in range(10)]
    hourly.append('padimkit serve: warning: and 1 more of "File %d has gone."')
    assert said == 2 * hourly


def test_links_to_folders_are_followed_and_loops_refused(model, portion, tmp_path, capsys):
    folder = tmp_path / "lines"
    folder.mkdir()
    (folder / "one").symlink_to(portion("disk", [1, 2]))
    words = ["predict", str(model), str(folder), f"--output={tmp_path / 'out'}", "--write=scores"]
    assert main(words) == 0
    assert len(rows(tmp_path / "out")) == 2
    (folder / "loop").symlink_to(folder)
    assert main([*words, "--overwrite"]) == 2
    assert "a loop. Remove the link" in capsys.readouterr().err


def test_an_empty_folder_is_an_output(model, portion, tmp_path, monkeypatch):
    folder, here = portion("new", [1]), tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert main(["predict", str(model), str(folder), "--output=.", "--write=scores"]) == 0
    assert sorted(path.name for path in here.iterdir()) == ["scale.json", "scores.csv"]
