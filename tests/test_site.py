"""The site of the documentation is built as by `make docs`, and seen as by a browser without a network."""

import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import padimkit
from padimkit import contracts, errors
from padimkit.registry.families import FAMILIES
from padimkit.testing import checks_of

pytest.importorskip("material", reason="the extra docs is not installed")
pytest.importorskip("mkdocstrings", reason="the extra docs is not installed")

ROOT = Path(__file__).resolve().parents[1]
FETCHED = {"src", "srcset", "data", "poster", "xlink:href"}
FETCHED_BY_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "manifest"}


@dataclass
class Seen(HTMLParser):
    """What is fetched to show a page, where it leads, its anchors, and its tables by their heading."""

    text: str
    fetched: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    tables: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    words: list[str] | None = None
    row: list[str] = field(default_factory=list)
    heading: str = ""

    def __post_init__(self):
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors.add(found.get("id"))
        self.fetched += [found[name] for name in FETCHED & found.keys()]
        if tag == "link" and FETCHED_BY_LINKS & set(found["rel"].split()):
            self.fetched.append(found["href"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "h2":
            self.heading = found["id"]
        if tag == "td":
            self.words = []

    def handle_data(self, data):
        if self.words is not None:
            self.words.append(data)

    def handle_endtag(self, tag):
        if tag == "td":
            self.row.append("".join(self.words))
            self.words = None
        if tag == "tr" and self.row:
            self.tables.setdefault(self.heading, []).append(tuple(self.row))
            self.row = []


def build(target, *options):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    target = tmp_path_factory.mktemp("built") / "site"
    built = build(target)
    assert built.returncode == 0, built.stderr
    return target


@pytest.fixture(scope="module")
def pages(site):
    return {path: Seen(path.read_text()) for path in sorted(site.rglob("*.html"))}


def test_no_page_refers_to_another_host_for_what_it_shows(pages):
    assert len(pages) > 20
    for path, page in pages.items():
        assert page.fetched
        for target in page.fetched:
            assert not urlsplit(target).netloc, f"{path.name} fetches {target}"
        # The theme has a script that would fetch another where there is a diagram of this kind.
        assert 'class="mermaid"' not in page.text, path.name


def test_no_style_and_no_picture_refers_to_another_host(site):
    texts = [path.read_text() for kind in ("*.css", "*.svg", "*.html") for path in site.rglob(kind)]
    fetched = [target for text in texts for target in re.findall(r"(?:url\(|@import )[\"']?([^\"')]+)", text)]
    assert fetched
    assert [target for target in fetched if urlsplit(target).netloc] == []


def test_no_script_of_ours_refers_to_another_host(site):
    scripts = sorted((site / "javascripts").glob("*.js"))
    assert scripts
    assert [path.name for path in scripts if re.search(r"\w+://|[\"'`]//", path.read_text())] == []


def test_every_link_within_the_site_leads_to_a_page_that_is_there(pages):
    for path, page in pages.items():
        if path.name == "404.html":  # its links are those of the root, whichever page was missing
            continue
        for target in filter(is_within, [*page.links, *page.fetched]):
            file = (path.parent / unquote(urlsplit(target).path)).resolve() if urlsplit(target).path else path
            assert file.exists(), f"{path.name} links to {target}"
            if urlsplit(target).fragment and file.suffix == ".html" and file in pages:
                anchors = pages[file].anchors | {"__skip"}
                assert unquote(urlsplit(target).fragment) in anchors, f"{path.name} links to {target}"


def is_within(target):
    return not urlsplit(target).scheme and not urlsplit(target).netloc


def test_links_to_pages_outside_docs_lead_to_them_in_the_site(site, pages):
    assert "repository/benchmarks/index.html" in pages[site / "speed.html"].links
    assert "../../speed.html" in pages[site / "repository" / "benchmarks" / "index.html"].links


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.plural)
def test_the_page_of_contracts_lists_every_check(family, site, pages):
    contract = family.load_contract()
    shown = pages[site / "contracts.html"].tables[f"{family.module}.{family.contract}"]
    expected = [(check.name, check.description.replace("`", "")) for check in checks_of(contract)]
    assert [row for row in shown if len(row) == 2 and "_" in row[0]] == expected


def test_every_contract_is_on_the_page_of_contracts(site, pages):
    own = [
        value for value in vars(contracts).values() if getattr(value, "__module__", "") == contracts.__name__
    ]
    missing = {f"padimkit.contracts.{value.__name__}" for value in own} - pages[
        site / "contracts.html"
    ].anchors
    assert own
    assert not missing


def test_every_public_name_and_every_error_is_in_the_reference(site, pages):
    named = {f"padimkit.{name}" for name in padimkit.__all__ if name != "__version__"}
    assert named - pages[site / "reference" / "padimkit.html"].anchors == set()
    raised = {
        f"padimkit.errors.{name}"
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.PadimkitError)
    }
    assert raised - pages[site / "reference" / "errors.html"].anchors == set()


def test_the_modules_that_plugins_may_import_are_in_the_reference(site, pages):
    modules = {f"padimkit.{name}" for name in ("arguments", "files", "memory", "moments")}
    assert modules - pages[site / "reference" / "tools.html"].anchors == set()


def test_every_decision_can_be_reached_from_the_front_page(site, pages):
    files = {path.stem for path in (ROOT / "docs" / "decisions").glob("*.md")}
    linked = {Path(link).stem for link in pages[site / "index.html"].links if link.startswith("decisions/")}
    assert linked == files


def test_the_search_knows_the_pages(site):
    assert "Mahalanobis distance" in (site / "search" / "search_index.js").read_text()


def test_a_link_that_leads_nowhere_stops_the_build(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Start\n\n[more](nowhere.md)\n")
    (tmp_path / "mkdocs.yml").write_text(
        f"site_name: small\nhooks: [{ROOT}/docs/hooks/outside.py]\nnav: [index.md]\n"
    )
    built = build(tmp_path / "site", "--config-file", str(tmp_path / "mkdocs.yml"))
    assert built.returncode != 0
    assert "nowhere.md" in built.stderr


def test_a_pattern_that_no_page_fits_stops_the_build(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Start\n")
    (tmp_path / "mkdocs.yml").write_text(
        f"site_name: small\nhooks: [{ROOT}/docs/hooks/chapters.py]\nnav: [index.md, More: chapters/*.md]\n"
    )
    built = build(tmp_path / "site", "--config-file", str(tmp_path / "mkdocs.yml"))
    assert built.returncode != 0
    assert 'No page fits "chapters/*.md" in the navigation.' in built.stderr
