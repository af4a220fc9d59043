"""At each instant an output is the old one or the new one; what killed runs leave goes, and nothing else."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from padimkit import files
from padimkit.cli.main import main
from padimkit.errors import BadOutput
from padimkit.files import replacement
from padimkit.files.left import finish_left
from padimkit.files.replacement import exchange
from padimkit.files.staging import PREFIX

new_folder = partial(files.new_folder, marker="ours", overwrite=True)


@pytest.fixture
def target(tmp_path):
    with new_folder(tmp_path / "out") as folder:
        (folder / "ours").write_text("old")
    return tmp_path / "out"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def replaced(target):
    with new_folder(target) as folder:
        (folder / "ours").write_text("new")


def left(path):
    """Let a path look as if its process had ended some time ago."""
    os.utime(path, (time.time() - 60,) * 2)
    return path


@pytest.fixture(params=["exchange", "steps"])
def way(request, monkeypatch):
    if request.param == "steps":
        monkeypatch.setattr(replacement, "exchange", lambda *_: False)
    return request.param


def test_a_folder_is_replaced_whole_and_nothing_else_stays(target, way):
    replaced(target)
    assert (target / "ours").read_text() == "new" and names(target.parent) == ["out"]


def test_names_are_exchanged_at_one_instant(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "was a").touch()
    assert exchange(tmp_path / "a", tmp_path / "b")
    assert names(tmp_path / "b") == ["was a"] and names(tmp_path / "a") == []
    assert not exchange(tmp_path / "a", tmp_path / "none")


def fail_at_rename(monkeypatch, which, error):
    rename, calls = Path.replace, []

    def failing(self, other):
        calls.append(self)
        if len(calls) == which:
            raise error
        return rename(self, other)

    monkeypatch.setattr(Path, "replace", failing)


@pytest.mark.parametrize("which", [1, 2, 3, 4])
def test_a_rename_that_fails_leaves_the_old_one(target, monkeypatch, which):
    monkeypatch.setattr(replacement, "exchange", lambda *_: False)
    fail_at_rename(monkeypatch, which, OSError(5, "Input/output error"))
    if which == 4:  # there is none: all renames have been done
        replaced(target)
        assert (target / "ours").read_text() == "new"
        return
    with pytest.raises(BadOutput, match="Input/output error"):
        replaced(target)
    assert (target / "ours").read_text() == "old"
    assert names(target) == ["ours"] and names(target.parent) == ["out"]


def test_old_content_that_could_not_be_moved_back_is_by_the_next_run(target, monkeypatch):
    rename = Path.replace

    def failing(self, other):
        if self.name == "ours":
            raise OSError(5, "Input/output error")
        return rename(self, other)

    (target / "more").write_text("old")
    monkeypatch.setattr(replacement, "exchange", lambda *_: False)
    with pytest.raises(BadOutput, match="Input/output error"):
        with new_folder(target) as folder:
            (folder / "ours").write_text("new")
            monkeypatch.setattr(Path, "replace", failing)
    monkeypatch.undo()
    finish_left(target)
    assert names(target) == ["more", "ours"] and (target / "ours").read_text() == "old"


def _killed_at(target, steps, where):
    """Replace the folder in a process that is killed before its rename of this number."""
    renames = []

    def dying(self, other):
        renames.append(other)
        if len(renames) > where:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.rename(self, other)  # noqa: PTH104  Path.replace is this function now

    Path.replace = dying
    if steps:
        replacement.exchange = lambda *_: False
    else:
        replacement.exchange = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    replaced(target)


@pytest.mark.parametrize(("steps", "where"), [(False, 0), (True, 0), (True, 1), (True, 2)])
def test_what_a_killed_run_has_left_is_finished_by_the_next_or_by_clean(target, capsys, steps, where):
    process = multiprocessing.get_context("fork").Process(target=_killed_at, args=(target, steps, where))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert list(target.parent.rglob(f"{PREFIX}*"))
    for path in target.parent.rglob(f"{PREFIX}*"):
        left(path)
    assert main(["clean", str(target.parent)]) == 0
    assert names(target.parent) == ["out"] and names(target) == ["ours"]
    assert (target / "ours").read_text() == ("new" if where else "old")
    assert str(target.parent) in capsys.readouterr().out


def test_the_next_run_removes_what_was_left(target):
    left_behind = target.parent / f"{PREFIX}abc"
    left_behind.mkdir()
    (left_behind / "half").touch()
    left(left_behind)
    replaced(target)
    assert names(target.parent) == ["out"]


def test_what_a_process_still_writes_stays(target):
    code = (
        "import sys, pathlib, padimkit.files.staging as s\n"
        "with s.staged_folder(pathlib.Path(sys.argv[1])) as folder, s.staged_file(folder.parent):\n"
        "    print(flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(target.parent)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        for path in target.parent.glob(f"{PREFIX}*"):
            left(path)
        assert finish_left(target.parent) == []
        assert len(names(target.parent)) == 3
        other.kill()
    for path in target.parent.glob(f"{PREFIX}*"):
        left(path)
    assert len(finish_left(target.parent)) == 2 and names(target.parent) == ["out"]


def test_what_is_somebody_elses_stays(target, monkeypatch):
    (target.parent / f"{PREFIX}new").mkdir()  # of this moment: it may not be locked yet
    for name in (".out-backup_1", ".padimkit", "padimkit-a", f"{PREFIX}others"):
        (target.parent / name).mkdir()
        left(target.parent / name)
    (target.parent / f"{PREFIX}link").symlink_to(target)
    mine, others = os.geteuid(), target.parent / f"{PREFIX}others"
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    assert finish_left(target.parent) == []
    monkeypatch.setattr(os, "geteuid", lambda: mine)
    assert finish_left(target.parent) == [others]
    assert (target / "ours").read_text() == "old" and len(names(target.parent)) == 6


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"new": ".padimkit-a/../../up", "old": ".padimkit-b", "names": ["a"], "earlier": []}',
        '{"new": "a", "old": ".padimkit-b", "names": ["a"], "earlier": []}',
        '{"new": ".padimkit-a", "old": ".padimkit-b", "names": ["../up"], "earlier": []}',
        '{"new": ".padimkit-a", "old": ".padimkit-b", "names": ["a"], "earlier": ["../up"]}',
        '{"new": 1, "old": 2, "names": 3, "earlier": 4}',
    ],
)
def test_an_intent_that_is_none_moves_nothing(tmp_path, content):
    (tmp_path / "up").mkdir()
    (tmp_path / "here").mkdir()
    intent = tmp_path / "here" / f"{PREFIX}intent-x"
    intent.write_text(content)
    left(intent)
    assert finish_left(tmp_path / "here") == [intent]
    assert names(tmp_path) == ["here", "up"] and names(tmp_path / "here") == []


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_an_intent_is_carried_out_from_where_it_was_left(tmp_path, moved):
    new, old = tmp_path / f"{PREFIX}new", tmp_path / f"{PREFIX}old"
    for folder in (new, old):
        folder.mkdir()
    for name in ("a", "ours"):
        (new / name).write_text("new")
    for place in ((tmp_path, tmp_path, old)[moved], old):
        (place / f"old {place == old}").write_text("old")
    if moved == 2:
        (new / "a").replace(tmp_path / "a")
    intent = tmp_path / f"{PREFIX}intent-x"
    earlier = ["old False", "old True"]
    intent.write_text(
        json.dumps({"new": new.name, "old": old.name, "names": ["a", "ours"], "earlier": earlier})
    )
    finish_left(tmp_path)
    assert names(tmp_path) == ["a", "ours"] and (tmp_path / "a").read_text() == "new"


def test_an_intent_gives_the_old_content_back_where_the_new_has_gone(tmp_path):
    old = tmp_path / f"{PREFIX}old"
    old.mkdir()
    (old / "ours").write_text("old")
    intent = tmp_path / f"{PREFIX}intent-x"
    intent.write_text(json.dumps({"new": f"{PREFIX}new", "old": old.name, "names": ["ours"], "earlier": []}))
    finish_left(tmp_path)
    assert names(tmp_path) == ["ours"] and (tmp_path / "ours").read_text() == "old"


@pytest.fixture
def pair(tmp_path):
    """Two files that belong together, of which the first refers to the second, and one of somebody else."""
    (tmp_path / "other").write_text("other")
    write_pair(tmp_path / "m.xml", "old")
    return tmp_path / "m.xml"


def write_pair(path, text, **options):
    with files.new_files(path, **{"overwrite": True} | options) as staging:
        staging.write_text(text)
        staging.with_suffix(".bin").write_text(text)


def read_pair(path):
    return {one.name: one.read_text() for one in path.parent.iterdir() if not one.name.startswith(PREFIX)}


def whole_pair(text):
    return {"m.bin": text, "m.xml": text, "other": "other"}


def test_files_that_belong_together_are_replaced_together(pair):
    write_pair(pair, "new")
    assert read_pair(pair) == whole_pair("new") and len(names(pair.parent)) == 3


@pytest.mark.parametrize("which", [1, 2, 3, 4])
def test_a_rename_that_fails_leaves_the_old_pair(pair, monkeypatch, which):
    fail_at_rename(monkeypatch, which, OSError(28, "No space left on device"))
    with pytest.raises(BadOutput, match="No space left on device"):
        write_pair(pair, "new")
    assert read_pair(pair) == whole_pair("old") and len(names(pair.parent)) == 3


def _killed_pair(pair, where):
    renames = []

    def dying(self, other):
        renames.append(other)
        if len(renames) > where:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.rename(self, other)  # noqa: PTH104  Path.replace is this function now

    Path.replace = dying
    write_pair(pair, "new")


@pytest.mark.parametrize("where", [0, 1, 2, 3])
def test_a_killed_pair_is_never_mixed_and_finished_by_the_next_run(pair, where):
    process = multiprocessing.get_context("fork").Process(target=_killed_pair, args=(pair, where))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    found = read_pair(pair)
    assert "m.xml" not in found or found == whole_pair("old")
    for path in pair.parent.glob(f"{PREFIX}*"):
        left(path)
    finish_left(pair.parent)
    assert read_pair(pair) == whole_pair("new") and len(names(pair.parent)) == 3


def test_none_of_the_files_is_replaced_without_overwrite(pair):
    pair.unlink()
    with pytest.raises(BadOutput, match=r'm\.bin" exists. Choose another output or pass --overwrite'):
        write_pair(pair, "new", overwrite=False)
    assert read_pair(pair) == {"m.bin": "old", "other": "other"}


@pytest.mark.parametrize("new", [files.new_file, files.new_files])
def test_what_a_killed_run_left_is_finished_before_a_name_counts_as_free(pair, new):
    """The first file of a pair goes first: while it is away, its name is not free."""
    process = multiprocessing.get_context("fork").Process(target=_killed_pair, args=(pair, 1))
    process.start()
    process.join()
    assert not pair.exists()
    for path in pair.parent.glob(f"{PREFIX}*"):
        left(path)
    with pytest.raises(BadOutput, match=r'm\.xml" exists. Choose another output or pass --overwrite'):
        with new(pair, overwrite=False):
            raise AssertionError("nothing is made for a name that is taken")
    assert read_pair(pair) == whole_pair("new")


def test_old_content_is_held_while_it_is_replaced(target, monkeypatch):
    """However long that takes: a run beside it would take it for what a killed one has left."""
    rename, seen = Path.replace, []

    def looking(self, other):
        for path in target.glob(f"{PREFIX}*"):
            left(path)
        seen.append(finish_left(target))
        return rename(self, other)

    monkeypatch.setattr(replacement, "exchange", lambda *_: False)
    with new_folder(target) as folder:
        (folder / "ours").write_text("new")
        monkeypatch.setattr(Path, "replace", looking)
    assert len(seen) == 3 and not any(seen)
    assert (target / "ours").read_text() == "new" and names(target) == ["ours"]


def test_a_new_file_removes_what_killed_runs_have_left(tmp_path):
    left_behind = tmp_path / f"{PREFIX}abc"
    left_behind.touch()
    left(left_behind)
    with files.new_file(tmp_path / "a", overwrite=False) as path:
        path.write_text("new")
    assert names(tmp_path) == ["a"]


def test_clean_refuses_what_is_no_folder(tmp_path, capsys):
    assert main(["clean", str(tmp_path / "none")]) == 2
    assert "is not a folder" in capsys.readouterr().err
