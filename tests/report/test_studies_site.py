"""A site of several folders of records."""

import json
import re
import zipfile
from html.parser import HTMLParser

import made_records
import numpy as np
import pytest

from padimkit.benchmark.store import Plan, read
from padimkit.cli.main import main


@pytest.fixture
def folders(write):
    random = np.random.default_rng(0)
    first = write([made_records.made("spade", name, 0, random) for name in ("grid", "tile")], "first & only")
    second = write([made_records.failed(made_records.made("spade", "wood", 0, random))], "second")
    Plan("study", {"spade-products-wood-0-224": "", "other": "spade on wood"}).write(second)
    return [first, second]


@pytest.fixture
def site(folders, tmp_path, without_plots):
    assert main(["report", "--site", *map(str, folders), "--output", str(tmp_path / "site")]) == 0
    return tmp_path / "site"


class Links(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name in ("href", "src")]


def test_the_index_leads_to_each_study_and_back_and_to_nothing_else(site):
    pages = Links(site / "index.html").found
    assert "first%20%26%20only/index.html" in pages and "second/records.zip" in pages
    for page in ("first & only", "second"):
        outside = [link for link in Links(site / page / "index.html").found if link[0] != "#"]
        assert sorted(outside) == ["../index.html", "data:,", "records.zip"]
    assert not any(re.match(r"\w+:", link) for link in pages if link != "data:,")


def test_the_index_counts_cells_and_tells_sizes(site):
    first, second = json.loads((site / "studies.json").read_text())["studies"]
    assert (first["finished"], first["failed"], first["missing"]) == (2, 0, 0)
    assert (second["finished"], second["failed"], second["missing"]) == (0, 1, 1)
    assert first["page_bytes"] == (site / first["page"]).stat().st_size
    assert second["records_bytes"] == (site / second["records"]).stat().st_size


def test_records_come_out_as_they_went_in_and_the_page_names_them(site, folders, tmp_path):
    with zipfile.ZipFile(site / "second" / "records.zip") as packed:
        packed.extractall(tmp_path / "out")
    out = tmp_path / "out" / "second"
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        path.name: path.read_bytes() for path in folders[1].iterdir()
    }
    page = (site / "second" / "index.html").read_text()
    (name,) = (path.name for path in out.glob("[!.]*.json"))
    assert f"--record second/{name}" in page and str(folders[1]) not in page
    assert read(out / name).failure is not None


def test_the_same_records_make_the_same_site(site, folders, tmp_path, without_plots):
    assert main(["report", *map(str, folders), "--site", f"--output={tmp_path / 'again'}"]) == 0
    for path in site.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(site)).read_bytes()


def test_a_site_is_replaced_only_if_asked_and_no_other_folder_ever_is(site, folders, tmp_path, capsys):
    words = ["report", "--site", *map(str, folders[1:]), "--output"]
    assert main([*words, str(site)]) == 2 and "--overwrite" in capsys.readouterr().err
    assert main([*words, str(site), "--overwrite"]) == 0
    assert sorted(path.name for path in site.iterdir()) == ["index.html", "second", "studies.json"]
    assert main([*words, str(folders[0]), "--overwrite"]) == 2
    assert 'it has no "studies.json"' in capsys.readouterr().err


def test_nothing_is_left_of_a_site_that_cannot_be(folders, tmp_path, capsys):
    twin = tmp_path / "elsewhere" / "second"
    twin.mkdir(parents=True)
    for given, message in (
        ([folders[1], twin], 'are both called "second"'),
        ([folders[0] / "no"], "is not a folder"),
        ([twin], "No records are in"),
    ):
        before = sorted(tmp_path.iterdir())
        assert main(["report", "--site", *map(str, given), f"--output={tmp_path / 'site'}"]) == 2
        assert message in capsys.readouterr().err and sorted(tmp_path.iterdir()) == before
    for other in ("--paper=3", "--format=csv"):
        assert main(["report", "--site", str(folders[0]), other, f"--output={tmp_path / 'site'}"]) == 2
        assert "leave out either --site, or" in capsys.readouterr().err and not (tmp_path / "site").exists()
    assert main(["report", "--site", str(folders[0])]) == 2
    assert '"output" is missing' in capsys.readouterr().err
