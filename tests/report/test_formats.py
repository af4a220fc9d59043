"""Markdown, LaTeX and CSV, read back and compared with the records."""

import csv
import io
import json
import re
import sys
from dataclasses import replace

import made_records
import numpy as np
import pytest
from pyarrow import parquet

from padimkit.errors import BadArgument
from padimkit.files.foreign_text import of_cell
from padimkit.report import formatting
from padimkit.report.formats.csv import as_csv
from padimkit.report.formats.json_lines import as_json_lines
from padimkit.report.formats.latex import as_latex
from padimkit.report.formats.markdown import as_markdown
from padimkit.report.formats.parquet import as_parquet
from padimkit.report.row import row_of

HOSTILE = "a_b & <i>50%</i> | #1 {x} \\y ~^ $z$ **b** `c` [d](e)"


def expected(records, metric):
    """By method and category: what a table says."""
    values = {}
    for record in records:
        if metric in record.metrics:
            values.setdefault((record.cell.method, record.cell.category), []).append(record.metrics[metric])
    return {key: f"{np.mean(found):.4f} ± {np.std(found, ddof=1):.4f}" for key, found in values.items()}


def in_rows(rows):
    """By method and category: what stands in the rows of a table, the first of which names the columns."""
    head, *body = rows
    return {(row[0], name): text for row in body for name, text in zip(head[3:], row[3:], strict=True)}


def test_markdown_has_the_numbers_of_the_records(records, study):
    text = as_markdown(study)
    boards, exponents = text.split("\n### Exponents of growth with training images, products / bottle\n")
    assert "| model, as stored | spade | 25 to 200 | 1.00 (1.00 to 1.00) |" in exponents
    sections = re.split(r"\n### (.+)\n", boards)[1:]
    assert sections[:4:2] == [r"image\_auroc, products", "pro, products"]
    compared = ["minus that of spade; pairs are", "against spade, by signed ranks"] * 2
    assert all(part in caption for part, caption in zip(compared, sections[4:12:2], strict=True))
    assert sections[12::2] == ["times, products", "memory and bytes, products"]
    assert "Limits and p-values hold for all pairs of methods at once" in sections[5]
    for metric, section in zip(("image_auroc", "pro"), sections[1:4:2], strict=True):
        lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
        found = {key: value.strip("*") for key, value in in_rows(lines).items()}
        assert found == expected(records, metric)
    assert "78 cells finished, 1 failed, 1 missing." in text
    assert "spade on products / wood, seed 2: memory in the stage" in text
    assert "Missing: layer-sum on products / tile, seed 1" in text


def test_latex_has_the_numbers_of_the_records(records, study):
    text = as_latex(study)
    tables = re.findall(r"\\toprule\n(.*?)\\bottomrule", text, re.DOTALL)
    assert "model, as stored & spade & 25 to 200 & 1.00 (1.00 to 1.00) &" in tables.pop()
    assert len(tables) == 8  # two of metrics, their differences and ranks, and two of costs
    for metric, table in zip(("image_auroc", "pro"), tables[:2], strict=True):
        lines = [line.removesuffix(r" \\").split(" & ") for line in table.splitlines() if "&" in line]
        plain = [[re.sub(r"\\textbf\{(.*)\}", r"\1", word) for word in line] for line in lines]
        found = {key: value.replace(r"$\pm$", "±") for key, value in in_rows(plain).items()}
        assert found == expected(records, metric)
    assert r"\caption{image\_auroc, products. Protocol A: mvtec, 256 px, centre 224 px. " in text
    assert r"$\pm$: sample standard deviation over n = 2 to 3 seeds.}" in text
    assert r"\label{tab:image-auroc-products}" in text and r"\label{tab:times-products}" in text


@pytest.mark.parametrize("write_document", [as_markdown, as_latex])
def test_documents_have_the_costs_of_all_methods(study, records, write_document):
    text = write_document(study)
    medians = [
        record.seconds["fit"].median
        for record in records
        if record.cell.method == "padim-pca100" and not record.cell.varied
    ]
    line = next(
        line
        for line in text[text.index("times, products") :].splitlines()
        if re.match(r"(\| )?padim-pca100 ", line)
    )
    assert formatting.quantity(np.mean(medians), "s") in line
    assert "Medians, as means over seeds and then over the categories." in text


def test_csv_has_a_line_per_cell_with_all_its_numbers(records, study):
    rows = {row["key"]: row for row in csv.DictReader(as_csv(study).splitlines())}
    assert rows.keys() == {record.key for record in records}
    for record in records:
        row = rows[record.key]
        for name, value in record.metrics.items():
            assert float(row[name]) == value
        for name, spread in record.seconds.items():
            assert float(row[f"{name} seconds"]) == spread.median
            assert float(row[f"{name} seconds upper"]) == spread.upper
        for name, size in record.bytes.items():
            assert int(row[f"{name} bytes"]) == size
        assert row["state"] == ("failed" if record.failure else "finished")
        assert row["message"] == (record.failure.message if record.failure else "")
        assert row["fingerprint"] == record.facts.fingerprint
        varied = row["varied training images"]
        assert (float(varied) if varied else None) == record.cell.varied.get("training images")


@pytest.fixture
def hostile(study_of, random):
    record = replace(made_records.made(HOSTILE, "bottle", 0, random), key="hostile")
    return study_of([record, made_records.made("spade", "bottle", 0, random)])


def test_labels_cannot_break_markdown(hostile):
    row = next(line for line in as_markdown(hostile).splitlines() if line.startswith("| a"))
    assert len(re.split(r"(?<!\\)\|", row)) == 5
    assert re.sub(r"\\(.)", r"\1", re.split(r"(?<!\\)\|", row)[1].strip()) == HOSTILE
    assert not re.search(r"(?<!\\)[<>`*\[\]]", re.split(r"(?<!\\)\|", row)[1])


def test_labels_cannot_break_latex(hostile):
    row = next(line for line in as_latex(hostile).splitlines() if line.startswith("a"))
    assert row.split(" & ")[0] == (
        r"a\_b \& \textless{}i\textgreater{}50\%\textless{}/i\textgreater{} \textbar{} \#1 \{x\} "
        r"\textbackslash{}y \textasciitilde{}\textasciicircum{} \$z\$ **b** `c` [d](e)"
    )
    assert len(re.split(r"(?<!\\)&", row)) == 3


def test_labels_survive_csv(study_of, random):
    label = 'with "quotes", commas;\nand a line'
    record = replace(made_records.made(label, "bottle", 0, random), key="hostile")
    assert next(csv.DictReader(as_csv(study_of([record])).splitlines(keepends=True)))["method"] == label


@pytest.mark.parametrize("label", ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "'=1", "\t=1"])
def test_no_label_is_a_formula_to_a_spreadsheet(study_of, random, label):
    record = replace(made_records.made(label, "bottle", 0, random), key="hostile")
    record = replace(record, metrics={**record.metrics, "=1+1": 0.5})
    rows = list(csv.reader(as_csv(study_of([record])).splitlines(keepends=True)))
    assert not [
        cell for row in rows for cell in row if cell[:1] in "=+-@\t" and cell and not _is_number(cell)
    ]
    assert of_cell(dict(zip(*rows, strict=True))["method"]) == label


def _is_number(text):
    return re.fullmatch(r"-?[\d.]+(e-?\d+)?", text)


@pytest.mark.parametrize("form", [as_csv, as_latex, as_markdown])
def test_no_label_steers_the_terminal(study_of, random, form):
    record = replace(made_records.made("red \x1b[31m\x9b\u202e\x07", "bottle", 0, random), key="hostile")
    text = form(study_of([record]))
    assert text.replace("\n", "").isprintable()
    assert "x1b" in text


def test_a_label_is_no_option_of_the_line_break_before_it_in_latex(study_of, random):
    records = [
        replace(made_records.made(name, "bottle", 0, random), key=str(number))
        for number, name in enumerate(("[2cm] method", "*", "spade"))
    ]
    lines = as_latex(study_of(records)).splitlines()
    assert [line for line in lines if line.startswith("{}[2cm] method & ")]
    assert not [line for line in lines if line.startswith(("[", "*"))]


def test_latex_warns_as_markdown_does(study_of, random):
    records = [made_records.made(name, "bottle", 0, random) for name in ("spade", "padim-rd100")]
    records[0] = replace(records[0], facts=replace(records[0].facts, fingerprint="other"))
    study = study_of(records)
    told = "Note: Cells of products / bottle saw different files: their fingerprints differ."
    assert f"% {told}" in as_latex(study).splitlines()
    assert f"- {told}" in as_markdown(study).splitlines()


def test_latex_comments_stay_on_their_lines(study_of, random):
    failed = made_records.failed(made_records.made("spade", "bottle", 0, random))
    failed = replace(failed, failure=replace(failed.failure, message="two\nlines"))
    comments = as_latex(study_of([failed])).splitlines()
    assert all(line.startswith("%") for line in comments)
    assert comments[1].endswith("two lines")


def test_json_lines_and_parquet_have_all_numbers_of_each_record(study):
    rows = [row_of(entry) for entry in study.entries]
    assert [json.loads(line) for line in as_json_lines(study).splitlines()] == rows
    table = parquet.read_table(io.BytesIO(as_parquet(study))).to_pylist()
    assert [{name: one for name, one in row.items() if one is not None} for row in table] == rows


def test_without_pyarrow_the_extra_is_named(study, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BadArgument, match=r"pip install 'padimkit\[parquet\]'"):
        as_parquet(study)
