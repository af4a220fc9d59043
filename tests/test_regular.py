"""A pipe in the place of a file is refused: whoever read it would wait for ever."""

import os

import pytest

from padimkit import load
from padimkit.benchmark.store import plans, read_all
from padimkit.datasets.table import Table
from padimkit.errors import PadimkitError
from padimkit.files.regular import regular
from padimkit.images.decoding import open_image, open_mask
from padimkit.images.pages import pages_of
from padimkit.inspection.results import earlier_results, read_results

READERS = {
    "mask.png": open_mask,
    "image.png": open_image,
    "scan.tiff": lambda path: open_image(pages_of(path)[0]),
    "manifest.json": lambda path: load(path.parent),
    "record.json": lambda path: read_all(path.parent),
    ".plan-a.json": lambda path: list(plans(path.parent)),
    "results.jsonl": lambda path: read_results(path, "model"),
    "table.csv": lambda path: Table(path).train(),
    "table.parquet": lambda path: Table(path).train(),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among its files")
@pytest.mark.parametrize("name", READERS)
def test_nobody_waits_for_a_pipe(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(PadimkitError, match="it is a pipe or a device"):
        READERS[name](tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among its files")
def test_nobody_goes_on_with_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "results.jsonl")
    with pytest.raises(OSError, match="it is a pipe or a device"):
        with earlier_results(tmp_path, "model"):
            pass


def test_files_folders_and_what_is_missing_are_left_to_those_who_open_them(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    for path in (tmp_path, tmp_path / "file", tmp_path / "link", tmp_path / "none"):
        assert regular(path) == path
