"""Sections of plugins are in every document, and one that fails leaves the rest whole."""

import re
import sys
from dataclasses import replace

import pytest

from padimkit import ReportSection
from padimkit.benchmark.record import ImageScores, packed
from padimkit.cli.main import main
from padimkit.registry.registry import Registry
from padimkit.report.added import with_added
from padimkit.report.formats.latex import as_latex
from padimkit.report.formats.markdown import as_markdown
from padimkit.report.formats.page import as_page
from padimkit.report.section import Datum, Drawing, Table
from padimkit.report.sections import SECTIONS
from padimkit.report.worst_images import WorstImages


class Energy(ReportSection):
    """A drawing with a table, and a table."""

    title = "Energy <of> cells"

    def build(self, records):
        rows = tuple((Datum(record.key), Datum("<b>1</b>", value=1.0)) for record in records[:2])
        table = Table("Energy & power", ("cell", "kWh"), rows, explained=("Of the <meter>.",))
        drawing = Drawing(lambda axes: axes.plot((0, 1)), "Energy.", "A line.", Table("By line", ("x",), ()))
        return [drawing, table]


class Empty(ReportSection):
    title = "Empty"

    def build(self, records):
        return []


class Fails(ReportSection):
    title = "Fails"

    def build(self, records):
        return 1 / 0


class Paints(Energy):
    def build(self, records):
        return [Drawing(lambda axes: axes.nothing(), "Bad.", "None.", None), *super().build(records)[1:]]


def who(part):
    return f'Plugin "{part.__name__.lower()}" (sections) of strange 1.5'


def sections(*parts):
    return with_added({who(part): part for part in parts})


@pytest.fixture
def small(study_of, records):
    """Without costs, of which plots would be drawn."""
    return study_of([replace(one, seconds={}, bytes={}) for one in records[:2]])


def test_it_is_in_all_documents_and_its_text_is_escaped(small):
    page = as_page(small, sections(Energy, Empty))
    assert "<h3>Energy &lt;of&gt; cells</h3>" in page and "&lt;b&gt;1&lt;/b&gt;" in page
    assert page.count("<p>Of the &lt;meter&gt;.</p>") == 1
    assert 'aria-labelledby="added-0-0-title' in page and "Empty" not in page
    names = re.findall(r'<section id="(\w+)"', page)
    assert names.index("added") == names.index("cells") - 1
    assert "\n### Energy & power\n" in as_markdown(small, sections(Energy)).replace("\\", "")
    assert "### By line" in as_markdown(small, sections(Energy))
    assert r"\caption{Energy \& power. Of the \textless{}meter\textgreater{}.}" in as_latex(
        small, sections(Energy)
    )


def test_without_content_and_without_plugins_nothing_is_added(small):
    assert 'id="added"' not in as_page(small, sections(Empty))
    assert with_added({}) is SECTIONS


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Fails, "ZeroDivisionError: division by zero."),
        (lambda: None, "AttributeError"),
        (Paints, "has no attribute"),
    ],
)
def test_one_that_fails_is_named_and_leaves_the_rest_whole(small, part, said):
    name = 'Plugin "mine" (sections) of strange 1.5'
    chosen = with_added({name: part, who(Energy): Energy})
    page = as_page(small, chosen)
    assert f"{name} failed: ".replace('"', "&#34;") in page and said in page.replace("&#39;", "'")
    assert page.count("<h3>Energy &lt;of&gt; cells</h3>") == 1 + (part is Paints)
    assert 'id="records"' in page
    if part is not Paints:  # whose fault only shows where it is painted
        assert said in as_markdown(small, chosen) and said in as_latex(small, chosen)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (Table("x", (), ()), "return a list of Table and Drawing"),
        ("text", "return a list of Table and Drawing"),
        (["text"], "return Table and Drawing, found 'text'"),
        ([Table("Short", ("a", "b"), ((Datum("1"),),))], '"Short" has 2 columns and a row of 1'),
        ([Table("Bare", ("a",), (("1",),))], "expected Datum of text"),
        ([Table("Number", ("a",), ((Datum(3),),))], "expected Datum of text"),
    ],
)
def test_content_that_cannot_be_shown_is_refused_in_its_place(small, monkeypatch, content, said):
    monkeypatch.setattr(Empty, "build", lambda self, records: content)
    text = as_latex(small, sections(Empty)).replace(r"\_", "_")
    assert "failed: TypeError: " in text and said in text


def test_the_command_takes_all_that_are_installed_and_tells_of_broken_ones(
    install, few, capsys, tmp_path, without_plots
):
    module = {
        "odd_sections": """
        from padimkit import ReportSection
        from padimkit.report.section import Datum, Table
        class Odd(ReportSection):
            title = "Odd"
            def build(self, records): return [Table("Odd cells", ("count",), ((Datum(str(len(records))),),))]
        """
    }
    points = {"odd": "odd_sections:Odd", "gone": "odd_sections:Gone"}
    install("odd", points, module, group="padimkit.sections")
    assert main(["report", str(few), "--format=markdown"]) == 0
    text = capsys.readouterr().out
    assert "### Odd cells" in text and "### A section failed" in text
    assert 'Plugin "gone" (sections) of odd 1.5 cannot be imported' in text
    sys.modules.pop("odd_sections")


def test_the_worst_images_are_those_of_the_lowest_values_unless_lower_is_better(records):
    names = ("good/0.png", "bad/0.png", "bad/1.png")
    images = ImageScores(names, "011", packed([1, 2, 3]), values={"iou": packed([float("nan"), 0.75, 0.25])})
    record = replace(records[0], images=images)
    (table,) = WorstImages(most=1).build([record, records[1]])
    assert table.caption.startswith("Images with the worst iou, products/")
    assert [[datum.text for datum in row] for row in table.rows] == [
        ["bad/1.png", "padim-rd100", "0", "0.25"]
    ]
    assert table.rows[0][3].target == f"record-{record.key}"
    (table,) = WorstImages().build([replace(record, lower_is_better=("iou",))])
    assert [row[0].text for row in table.rows] == ["bad/0.png", "bad/1.png"]
    assert WorstImages().build([replace(record, cell=replace(record.cell, varied={"keep": 3.0}))]) == []


def test_a_class_of_a_program_can_be_a_section(few, capsys, monkeypatch):
    monkeypatch.setattr("padimkit.registry.registry._SESSION", {})
    Registry("sections").add(Energy, "energy")
    assert main(["report", str(few), "--format=latex"]) == 0
    assert r"Energy \& power" in capsys.readouterr().out
