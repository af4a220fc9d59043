import errno
import os
import tempfile
from functools import partial
from pathlib import Path

import pytest

from padimkit.errors import BadOutput
from padimkit.files import new_file, only_holder
from padimkit.files import outputs as files
from padimkit.files import replacement as places

new_folder = partial(files.new_folder, marker="ours")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_whole_at_the_end(tmp_path):
    target = tmp_path / "a" / "model"
    with new_folder(target, overwrite=False) as staging:
        (staging / "file").write_text("content")
        assert not target.exists()
    assert (target / "file").read_text() == "content"
    assert names(target.parent) == ["model"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_is_left_after_an_error(tmp_path, error):
    with pytest.raises(error), new_folder(tmp_path / "model", overwrite=False) as staging:
        (staging / "file").write_text("half")
        raise error
    with pytest.raises(error), new_file(tmp_path / "result.json", overwrite=False) as staging:
        staging.write_text("half")
        raise error
    assert names(tmp_path) == []


def test_an_existing_output_is_kept_unless_it_is_to_be_overwritten(tmp_path):
    for make, target in ((new_folder, tmp_path / "model"), (new_file, tmp_path / "result.json")):
        with make(target, overwrite=False) as staging:
            if make is new_folder:
                (staging / "ours").write_text("old")
        with (
            pytest.raises(BadOutput, match=f'{target.name}" exists.*--overwrite'),
            make(target, overwrite=False),
        ):
            pass
    with new_folder(tmp_path / "model", overwrite=True) as staging:
        (staging / "new").write_text("")
    with new_file(tmp_path / "result.json", overwrite=True) as staging:
        staging.write_text("new")
    assert names(tmp_path / "model") == ["new"]
    assert (tmp_path / "result.json").read_text() == "new"
    assert names(tmp_path) == ["model", "result.json"]


def test_the_old_output_survives_a_failed_overwrite(tmp_path):
    with new_folder(tmp_path / "model", overwrite=False) as staging:
        (staging / "ours").write_text("")
    with pytest.raises(ValueError), new_folder(tmp_path / "model", overwrite=True):
        raise ValueError
    assert names(tmp_path / "model") == ["ours"]


def test_a_folder_of_somebody_else_is_never_overwritten(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "text").write_text("years")
    with pytest.raises(BadOutput, match='thesis" is not overwritten: it has no "ours"'):
        with new_folder(tmp_path / "thesis", overwrite=True):
            pass
    assert (tmp_path / "thesis" / "text").read_text() == "years"


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path):
    with pytest.raises(BadOutput, match='model" cannot be written: No space left on device'):
        with new_folder(tmp_path / "model", overwrite=False) as staging:
            (staging / "file").write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert names(tmp_path) == []


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for make in (new_folder, new_file):
        with (
            pytest.raises(BadOutput, match="cannot be written"),
            make(tmp_path / "file" / "x", overwrite=False),
        ):
            pass
    with pytest.raises(BadOutput, match="is a file; expected a folder"):
        with new_folder(tmp_path / "file", overwrite=True):
            pass
    with pytest.raises(BadOutput, match="is a folder; expected the name of a file"):
        with new_file(tmp_path, overwrite=True):
            pass


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_all_files_of_a_folder_follow_the_umask(tmp_path, umask):
    old = os.umask(umask)
    try:
        with new_folder(tmp_path / "out", overwrite=False, marker="a") as staging:
            (staging / "below").mkdir()
            for name, mode in (("a", 0o600), ("below/b", 0o666)):
                (staging / name).touch()
                (staging / name).chmod(mode)
    finally:
        os.umask(old)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert modes == {0o666 & ~umask}


def test_an_empty_folder_is_an_output_and_stays_the_same_folder(tmp_path):
    (tmp_path / "out").mkdir(mode=0o750)
    before = (tmp_path / "out").stat()
    with new_folder(tmp_path / "out", overwrite=False) as staging:
        (staging / "below").mkdir()
        (staging / "below" / "file").write_text("new")
    after = (tmp_path / "out").stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert names(tmp_path / "out") == ["below"] and names(tmp_path) == ["out"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_cannot_be_renamed_is_filled(tmp_path, monkeypatch, overwrite):
    """A mount point refuses to be renamed, and the folder above it may not be written."""
    mount = tmp_path / "mount"
    mount.mkdir()
    if overwrite:
        (mount / "ours").write_text("old")
        (mount / "old").write_text("old")
    rename, made = Path.replace, tempfile.mkdtemp

    def busy(self, target):
        assert mount not in (self, Path(target))
        return rename(self, target)

    def read_only(prefix, dir):
        assert Path(dir) == mount
        return made(prefix=prefix, dir=dir)

    monkeypatch.setattr(Path, "replace", busy)
    monkeypatch.setattr(Path, "is_mount", lambda self: self == mount)
    monkeypatch.setattr(tempfile, "mkdtemp", read_only)
    with new_folder(mount, overwrite=overwrite) as staging:
        (staging / "ours").write_text("new")
    assert names(mount) == ["ours"] and (mount / "ours").read_text() == "new"


def test_the_folder_that_one_stands_in_is_an_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with new_folder(Path(), overwrite=False) as staging:
        (staging / "ours").write_text("new")
    assert names(Path()) == ["ours"]


def test_a_folder_that_is_overwritten_keeps_its_permissions(tmp_path):
    for overwrite in (False, True):
        with new_folder(tmp_path / "out", overwrite=overwrite) as staging:
            (staging / "ours").write_text("new")
        if not overwrite:
            (tmp_path / "out").chmod(0o750)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750


def test_links_and_the_folder_that_one_stands_in_are_overwritten_inside(tmp_path, monkeypatch):
    with new_folder(tmp_path / "out", overwrite=False) as staging:
        (staging / "ours").write_text("old")
    before = (tmp_path / "out").stat().st_ino
    (tmp_path / "link").symlink_to("out")
    monkeypatch.chdir(tmp_path / "out")
    for number, target in enumerate((tmp_path / "link", Path())):
        with new_folder(target, overwrite=True) as staging:
            (staging / "ours").write_text(f"new {number}")
        assert (tmp_path / "out" / "ours").read_text() == f"new {number}"
    assert (tmp_path / "link").is_symlink() and (tmp_path / "out").stat().st_ino == before
    assert names(tmp_path) == ["link", "out"] and names(tmp_path / "out") == ["ours"]


@pytest.mark.parametrize("stuck", ["z", "new"])
def test_content_that_cannot_be_moved_stays_whole(tmp_path, monkeypatch, stuck):
    target = tmp_path / "model"
    with new_folder(target, overwrite=False) as staging:
        for name in ("a", "ours", "z"):
            (staging / name).write_text("old")
    rename = Path.replace

    def busy(self, where):
        if self.name == stuck:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(self))
        return rename(self, where)

    monkeypatch.setattr(Path, "replace", busy)
    monkeypatch.setattr(places, "exchange", lambda *_: False)
    with pytest.raises(BadOutput, match='model" cannot be written: Device or resource busy'):
        with new_folder(target, overwrite=True) as folder:
            for name in ("ours", "new"):
                (folder / name).write_text("new")
    assert names(target) == ["a", "ours", "z"] and (target / "ours").read_text() == "old"


def test_the_remains_of_a_killed_output_hinder_nothing_and_go(tmp_path):
    target = tmp_path / "model"
    (target / ".padimkit-killed").mkdir(parents=True)
    os.utime(target / ".padimkit-killed", (0, 0))
    with new_folder(target, overwrite=False) as staging:
        (staging / "ours").write_text("new")
    assert names(target) == ["ours"]


def test_a_long_name_is_an_output(tmp_path):
    with new_folder(tmp_path / ("n" * 255), overwrite=False):
        pass
    with new_file(tmp_path / ("f" * 255), overwrite=False):
        pass
    assert names(tmp_path) == ["f" * 255, "n" * 255]


def test_systems_that_do_not_open_folders_write_outputs_too(tmp_path, monkeypatch):
    real = os.open

    def as_windows(path, *rest, **named):
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *rest, **named)

    monkeypatch.setattr(os, "open", as_windows)
    with new_folder(tmp_path / "model", overwrite=False) as staging:
        (staging / "file").write_text("content")
    assert (tmp_path / "model" / "file").read_text() == "content"


def test_a_disk_that_fails_when_a_folder_is_synced_is_reported(tmp_path, monkeypatch):
    real = os.fsync

    def broken(handle):
        if Path(f"/proc/self/fd/{handle}").is_dir():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(handle)

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(BadOutput, match="Input/output error"), new_folder(tmp_path / "a", overwrite=False):
        pass


def test_a_lock_has_one_holder_and_says_why_it_cannot_be_made(tmp_path):
    with only_holder(tmp_path / "lock", "taken"):
        with pytest.raises(BadOutput, match="taken"), only_holder(tmp_path / "lock", "taken"):
            pass
    with only_holder(tmp_path / "lock", "taken"):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(BadOutput, match="cannot be written"), only_holder(tmp_path / "file" / "lock", ""):
        pass


def test_what_somebody_writes_into_an_empty_folder_meanwhile_stays(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    with pytest.raises(BadOutput, match="is not overwritten|exists"):
        with new_folder(target, overwrite=False) as staging:
            (staging / "ours").touch()
            (target / "mine.txt").write_text("of somebody else", encoding="utf-8")
    assert [path.name for path in target.iterdir()] == ["mine.txt"]
