import errno
import os
from functools import partial

import pytest

from padimkit import files
from padimkit.errors import BadOutput
from padimkit.files import new_file

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
        with make(target, overwrite=False):
            pass
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
