"""What is known of a class from its source is what an import would tell."""

import inspect as runtime
import sys

import pytest

from padimkit.cli.plugins.inspection import docstring, inspect, parsed
from padimkit.files.packages import locate
from padimkit.registry.families import FAMILIES
from padimkit.registry.registry import Registry


def said(module, name):
    return docstring(parsed(locate(module)), module, name)


@pytest.mark.parametrize("family", [family.plural for family in FAMILIES])
def test_every_description_is_the_first_line_of_the_docstring(family):
    for plugin in Registry(family).plugins():
        expected = runtime.getdoc(plugin.load()).splitlines()[0]
        assert inspect(plugin).description == expected


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose import fails, with a class that it passes on under several names."""
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "handed"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text(
        "from .inner import Part as Renamed\n"
        "from handed.inner.deep import Part\n"
        "from handed.absent import Lost\n"
        "from no_such_package import Foreign\n"
        "from .circle import Circle\n"
        "import math\n"
        "Assigned = math\n"
        "raise RuntimeError('imported')\n"
    )
    (folder / "inner" / "__init__.py").write_text("from .deep import Part\nfrom ..spoilt import Spoilt\n")
    (folder / "inner" / "deep.py").write_text(
        'class Part:\n    """Be deep.\n\n    More."""\nclass Plain: pass\n'
    )
    (folder / "circle.py").write_text("from handed import Circle\n")
    (folder / "spoilt.py").write_text("class Spoilt(:\n")
    return folder


@pytest.mark.parametrize(
    ("module", "name", "expected"),
    [
        ("handed.inner.deep", "Part", "Be deep.\n\nMore."),
        ("handed.inner", "Part", "Be deep.\n\nMore."),
        ("handed", "Part", "Be deep.\n\nMore."),
        ("handed", "Renamed", "Be deep.\n\nMore."),
        ("handed.inner.deep", "Plain", ""),
        ("handed", "Lost", ""),
        ("handed", "Foreign", ""),
        ("handed", "Circle", ""),
        ("handed", "Assigned", ""),
        ("handed", "Absent", ""),
        ("handed.inner", "Spoilt", ""),
    ],
)
def test_a_docstring_is_found_where_the_class_is_defined(package, module, name, expected):
    assert said(module, name) == expected
    assert "handed" not in sys.modules


def test_what_is_no_python_file_says_nothing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "namespace").mkdir()
    assert said("namespace", "Part") == ""
    assert said("math", "Part") == ""


def test_warnings_about_the_source_of_others_are_not_shown(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "sloppy.py").write_text('class Sloppy:\n    """Escape."""\n    pattern = "\\d"\n')
    assert said("sloppy", "Sloppy") == "Escape."  # pytest would turn the warning into an error
