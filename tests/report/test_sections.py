"""A section is a module, a template and a name in the list of sections: no format knows it by name."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import ChoiceLoader, DictLoader, PackageLoader

import padimkit.report
from padimkit.report.formats import page as page_format
from padimkit.report.formats.latex import as_latex
from padimkit.report.formats.markdown import as_markdown
from padimkit.report.formats.page import as_page
from padimkit.report.sections import SECTIONS
from padimkit.report.tables import Datum, Table

pytestmark = pytest.mark.usefixtures("without_plots")
ROOT = Path(padimkit.report.__file__).parent
TEMPLATE = "<p>{{ verdict }} on {{ study.entries | length }} records</p>\n"


def verdicts(study):
    rows = tuple((Datum(method), Datum("as good as ever", best=True)) for method in study.methods)
    return [Table("Verdicts", ("method", "verdict"), rows)]


@pytest.fixture
def section(monkeypatch):
    """A section that no format has heard of, with its template."""
    templates = DictLoader({"verdicts.html": TEMPLATE})
    monkeypatch.setattr(
        page_format, "PackageLoader", lambda name: ChoiceLoader([templates, PackageLoader(name)])
    )
    return SimpleNamespace(
        name="verdicts", title="Verdicts", build=lambda study: {"verdict": "<b>good</b>"}, tables=verdicts
    )


def test_a_new_section_is_in_the_page_at_its_place_and_among_the_links(fixed_study, section):
    text = as_page(fixed_study, [*SECTIONS[:2], section, *SECTIONS[2:]])
    assert f"<p>&lt;b&gt;good&lt;/b&gt; on {len(fixed_study.entries)} records</p>" in text
    assert '<h2 id="verdicts-title">Verdicts</h2>' in text and '<a href="#verdicts">Verdicts</a>' in text
    assert re.findall(r'<section id="(\w+)"', text)[1:4] == ["comparison", "verdicts", "tradeoffs"]


def test_a_new_section_is_in_markdown_and_latex(fixed_study, section):
    sections = [*SECTIONS, section]
    assert "\n### Verdicts\n" in as_markdown(fixed_study, sections)
    assert f"| {fixed_study.methods[0]} | **as good as ever** |" in as_markdown(fixed_study, sections)
    assert r"\caption{Verdicts.}" in as_latex(fixed_study, sections)


def test_the_sections_of_a_document_can_be_chosen(fixed_study, section):
    assert re.findall(r'<section id="(\w+)"', as_page(fixed_study, [section])) == ["verdicts"]
    assert as_markdown(fixed_study, [section]).count("\n### ") == 1
    assert as_latex(fixed_study, [section]).count(r"\begin{table}") == 1


def test_a_section_that_builds_nothing_is_left_out(fixed_study):
    empty = SimpleNamespace(name="empty", title="Empty", build=lambda study: None, tables=lambda study: [])
    assert as_page(fixed_study, [*SECTIONS, empty]) == as_page(fixed_study)


def test_all_sections_of_a_whole_study_are_shown_and_linked_in_their_order(page):
    shown = [section for section in SECTIONS if section.name != "shifts"]  # of two data sets
    assert re.findall(r'<section id="(\w+)"', page) == [section.name for section in shown]
    links = page[page.index("<nav") : page.index("</nav>")]
    assert re.findall(r'<a href="#(\w+)">(.*?)</a>', links) == [(s.name, s.title) for s in shown]


def test_each_module_is_a_section_with_a_template_of_its_name():
    names = {section.name for section in SECTIONS}
    assert all(section.__name__ == f"padimkit.report.sections.{section.name}" for section in SECTIONS)
    assert {path.stem for path in (ROOT / "sections").glob("*.py")} - {"__init__"} == names
    assert {path.stem for path in (ROOT / "templates").glob("*.html")} - {
        "page",
        "quality",
        "macros",
        "added",
        "site",
    } == names
