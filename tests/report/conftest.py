"""A folder of made-up records, written as the benchmark writes them."""

import made_records
import numpy as np
import pytest
from markupsafe import Markup

from padimkit.benchmark import store
from padimkit.report.entries import read_entries
from padimkit.report.formats import page as page_format
from padimkit.report.formats.page import as_page
from padimkit.report.plots import ranks
from padimkit.report.sections import curves, growth, tradeoffs
from padimkit.report.study import Study


@pytest.fixture(scope="session")
def records(common_seed):
    """Of a whole study."""
    return made_records.study(np.random.default_rng(common_seed))


@pytest.fixture(scope="session")
def folder(records, tmp_path_factory):
    """They are not to be changed: many tests read them."""
    folder = tmp_path_factory.mktemp("study")
    for record in records:
        store.write(record, folder)
    return folder


@pytest.fixture(scope="session")
def study(folder):
    return Study(tuple(read_entries([folder])))


@pytest.fixture(scope="session")
def fixed_study(tmp_path_factory):
    """The same in each run."""
    folder = tmp_path_factory.mktemp("fixed")
    for record in made_records.study(np.random.default_rng(0)):
        store.write(record, folder)
    return Study(tuple(read_entries([folder])))


@pytest.fixture(scope="session")
def page(fixed_study):
    """Its page: no test of it depends on the values in it, which are compared elsewhere."""
    return as_page(fixed_study)


@pytest.fixture
def without_plots(monkeypatch):
    """Plots are empty, where a test reads numbers and words: they take most of the time of a report."""
    for module in (ranks, tradeoffs, growth, curves, page_format):
        monkeypatch.setattr(module, "draw", lambda paint, **_: Markup("<svg></svg>"))


@pytest.fixture
def write(tmp_path):
    """Writes records into a folder, and returns it."""

    def write(records, name="records"):
        folder = tmp_path / name
        folder.mkdir()
        for record in records:
            store.write(record, folder)
        return folder

    return write


@pytest.fixture
def few(write):
    """A folder of three records, to be spoilt, which are the same in each run."""
    random = np.random.default_rng(0)
    return write([made_records.made("spade", name, 0, random) for name in made_records.CATEGORIES[:3]])


@pytest.fixture
def study_of(write):
    """The study that some records make."""
    return lambda records, name="records": Study(tuple(read_entries([write(records, name)])))
