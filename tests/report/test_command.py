"""`padimkit report` as a user meets it."""

import made_records
import pytest

from padimkit.cli.main import main
from padimkit.report.formats.csv import as_csv
from padimkit.report.formats.latex import as_latex
from padimkit.report.formats.markdown import as_markdown

WRITERS = {"markdown": as_markdown, "csv": as_csv, "latex": as_latex}


def fails(capsys, *words):
    assert main(["report", *map(str, words)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("padimkit report: error: ")
    assert "Traceback" not in error
    return error


def test_a_page_is_written(few, tmp_path, capsys):
    assert main(["report", str(few), f"--output={tmp_path / 'page.html'}"]) == 0
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "page.html" in capsys.readouterr().out


@pytest.mark.parametrize("form", WRITERS)
def test_tables_are_printed_or_written(few, study_of, tmp_path, capsys, form):
    assert main(["report", str(few), f"--format={form}"]) == 0
    printed = capsys.readouterr().out
    assert main(["report", str(few), f"--format={form}", f"--output={tmp_path / 'tables'}"]) == 0
    assert (tmp_path / "tables").read_text(encoding="utf-8") == printed
    assert "spade" in printed


def test_a_page_needs_an_output(few, capsys):
    assert '"output" is missing' in fails(capsys, few)


def test_an_output_that_exists_is_kept(few, tmp_path, capsys, without_plots):
    output = tmp_path / "page.html"
    output.write_text("mine")
    assert "--overwrite" in fails(capsys, few, f"--output={output}")
    assert output.read_text() == "mine"
    assert main(["report", str(few), f"--output={output}", "--overwrite"]) == 0
    assert output.read_text() != "mine"


def test_nothing_is_left_of_a_report_that_fails(few, tmp_path, capsys):
    (few / "broken.json").write_text("{")
    before = sorted(tmp_path.iterdir())
    assert "broken.json" in fails(capsys, few, f"--output={tmp_path / 'page.html'}")
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_without_records_is_told_of_before_the_output_that_is_missing(tmp_path, capsys):
    for options in ([], ["--site"]):
        assert f'No records are in "{tmp_path}"' in fails(capsys, tmp_path, *options)


def test_an_empty_folder_is_refused(tmp_path, capsys):
    assert "No records are in" in fails(capsys, tmp_path, "--format=csv")


def test_an_unknown_format_is_refused_with_those_there_are(few, capsys):
    error = fails(capsys, few, "--format=pdf")
    assert "pdf" in error
    assert all(form in error for form in ("html", *WRITERS))


def test_an_unknown_option_has_a_near_miss(few, capsys):
    assert "Did you mean '--output'?" in fails(capsys, few, "--outptu=x")


def test_records_alone_are_enough(write, random, capsys):
    record = made_records.made("a method of a stranger", "bottle", 0, random, kind="stranger.Data")
    folder = write([record])
    assert main(["report", str(folder / f"{record.key}.json"), "--format=csv"]) == 0
    assert "a method of a stranger" in capsys.readouterr().out
