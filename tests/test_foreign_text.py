import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from padimkit import FilterBank, Gaussian, Pipeline, Preprocessing
from padimkit.cli.listing import print_first
from padimkit.files.foreign_text import as_cell, of_cell, printable
from padimkit.images.reader import Reader
from padimkit.images.sample import Sample
from padimkit.inspection.learnt import LearntImage, as_csv, from_csv
from padimkit.inspection.predictions import write_predictions
from padimkit.inspection.results import LINES, TABLE, new_results
from padimkit.reducers.identity import Identity

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-1"]


@pytest.mark.parametrize("text", [*FORMULAS, "", "'", "'a", "good/000.png", "a=1", "ä", "\udcff"])
def test_a_cell_gives_its_text_again(text):
    assert of_cell(as_cell(text)) == text


@pytest.mark.parametrize("text", ["a;=1", "a;'=1", ";=1", "\t=;-1", "'\t'=1", "a;b;+1\t@x", ";;=1", "=;=;="])
def test_no_cell_is_one_where_other_characters_separate_cells(text):
    assert not re.search(r"(^|[;\t])[=+\-@]", as_cell(text)) and of_cell(as_cell(text)) == text


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text):
    assert as_cell(text)[0] == "'"


@pytest.mark.parametrize("text", ["\x1b[31m", "\x9b1m", "\x07", "\r", "\u202e", "\u2028", "\udcff", "\x7f"])
def test_what_steers_a_terminal_is_escaped(text, capsys):
    assert printable(text).isprintable()
    print_first([text])
    assert capsys.readouterr().out.strip().isprintable()


@pytest.mark.parametrize(
    ("count", "more", "told"), [(3, 0, []), (12, 0, ["  and 2 more"]), (10, 5, ["  and 5 more"])]
)
def test_ten_lines_are_printed_and_the_others_counted(count, more, told, capsys):
    print_first(map(str, range(count)), more)
    assert capsys.readouterr().out.splitlines() == [f"  {n}" for n in range(count)][:10] + told


def test_the_table_of_a_model_gives_its_paths_again_and_holds_no_formula():
    images = tuple(LearntImage(text, "0" * 64, None, False) for text in FORMULAS)
    text = as_csv(images)
    assert from_csv(text, "training.csv") == images
    assert not [row for row in csv.reader(io.StringIO(text, newline="")) if row[0][0] in "=+-@"]


def test_predictions_and_results_hold_no_formula(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    for name in ("=1+1.png", "-1.png"):
        Image.fromarray(pixels).save(name)
    samples = [Sample(Path(name)) for name in ("=1+1.png", "-1.png")]
    pipeline = Pipeline(FilterBank(scales=1), Identity(), Gaussian(), preprocessing=Preprocessing(16, 16))
    pipeline.fit(samples)
    (tmp_path / "out").mkdir()
    write_predictions(pipeline, Reader(pipeline.preprocessing).batches(samples), tmp_path / "out")
    line = {"path": "=1+1.png", "verdict": "ERROR", "regions": [], "error": "+bad"}
    with new_results(tmp_path / "results", overwrite=False) as results:
        (results.folder / LINES).write_text(json.dumps(line) + "\n", encoding="utf-8")
        results.write_table()
    for table in (tmp_path / "out" / "scores.csv", tmp_path / "results" / TABLE):
        cells = [cell for row in csv.reader(table.read_text().splitlines()) for cell in row]
        assert "'=1+1.png" in cells
        assert not [cell for cell in cells if cell[:1] in tuple("=+@") or cell.startswith("-1.png")]
