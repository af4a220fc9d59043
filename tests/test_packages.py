"""The packages as an index and type checkers see them; `make packages` builds them."""

import importlib.util
import re

import pytest
from fresh_environment import ROOT

PLUGINS = sorted((ROOT / "plugins").glob("padimkit-*"))
TEMPLATE = ROOT / "padimkit" / "cli" / "plugins" / "template"
RELATIVE = re.compile(r"\]\((?!https://)")


@pytest.fixture(scope="module")
def for_index():
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.for_index


def test_an_index_shows_no_path_of_the_repository(for_index):
    text = (ROOT / "README.md").read_text()
    shown = for_index(text)
    assert RELATIVE.search(text) and not RELATIVE.search(shown)
    assert "[PaDiM](https://arxiv.org/abs/2011.08785)" in shown


@pytest.mark.parametrize("before", ["", "![p](p.png)\n\n", "![p](p.png)\n\n*of p*\n\n"])
def test_links_become_words_and_pictures_go(for_index, before):
    assert for_index(before + "[a](b.md#c) and [d](https://e.f)") == "a and [d](https://e.f)"


def test_readmes_of_plugins_name_no_path():
    assert [path for path in PLUGINS if RELATIVE.search((path / "README.md").read_text())] == []


def test_our_plugins_are_typed():
    assert PLUGINS and all(list(path.glob("src/*/py.typed")) for path in PLUGINS)


def test_a_new_package_has_the_licence_that_it_names():
    assert (TEMPLATE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
