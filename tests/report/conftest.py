"""A folder of made-up records, written as the benchmark writes them."""

import made_records
import numpy as np
import pytest

from padimkit.benchmark import store
from padimkit.report.entries import read_entries
from padimkit.report.study import Study


@pytest.fixture(scope="module")
def records(common_seed):
    """Of a whole study."""
    return made_records.study(np.random.default_rng(common_seed))


@pytest.fixture(scope="module")
def folder(records, tmp_path_factory):
    """They are not to be changed: many tests read them."""
    folder = tmp_path_factory.mktemp("study")
    for record in records:
        store.write(record, folder)
    return folder


@pytest.fixture(scope="module")
def study(folder):
    return Study(tuple(read_entries([folder])))


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
def few(random, write):
    """A folder of three records, to be spoilt."""
    return write([made_records.made("spade", name, 0, random) for name in made_records.CATEGORIES[:3]])


@pytest.fixture
def study_of(write):
    """The study that some records make."""
    return lambda records, name="records": Study(tuple(read_entries([write(records, name)])))
