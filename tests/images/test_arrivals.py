"""Files are given once, when they are complete, by a clock that the tests turn."""

import os

import pytest

from padimkit.errors import BadData
from padimkit.images.arrivals import Arrivals, stamp_is


@pytest.fixture
def arrivals(tmp_path):
    return Arrivals([tmp_path], settle=1.0)


def write(path, content=b"image", modified=1):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(modified, modified))
    return path


def names(found):
    return [one.path.name for one in found]


def test_a_file_is_given_once_when_it_has_settled(arrivals, tmp_path):
    write(tmp_path / "1.png")
    assert arrivals.look(0.0) == [] and arrivals.look(0.9) == []
    assert names(arrivals.look(1.0)) == ["1.png"]
    assert arrivals.look(9.0) == []


def test_a_file_that_grows_or_changes_is_waited_for(arrivals, tmp_path):
    path = tmp_path / "1.png"
    write(path, b"a")
    arrivals.look(0.0)
    write(path, b"ab")
    assert arrivals.look(1.0) == []
    write(path, b"cd", modified=2)
    assert arrivals.look(2.0) == [] and arrivals.waiting == [path]
    assert names(arrivals.look(3.0)) == ["1.png"] and arrivals.waiting == []


def test_a_file_that_is_open_for_writing_is_waited_for_however_long_its_writer_pauses(arrivals, tmp_path):
    paths = {write(tmp_path / name) for name in ("1.png", "2.png")}
    arrivals.look(0.0, paths)
    assert arrivals.look(290.0, paths) == []
    assert names(arrivals.look(291.0, {tmp_path / "2.png"})) == ["1.png"]
    assert names(arrivals.look(300.0, {tmp_path / "2.png"})) == ["2.png"]  # its closing was not told


def test_an_empty_file_is_never_complete(arrivals, tmp_path):
    write(tmp_path / "1.png", b"")
    for now in (0.0, 5.0):
        assert arrivals.look(now) == []
    assert arrivals.closed([tmp_path / "1.png"]) == []


def test_masks_are_left_out_and_named_once(arrivals, tmp_path, caplog):
    """Whatever comes first, the mask or its image."""
    for name in ("0_mask.png", "1.png"):
        write(tmp_path / name)
    found = [arrivals.look(now) for now in (0.0, 1.0)][-1]
    assert names(found) == ["1.png"] and arrivals.closed([write(tmp_path / "1_mask.png")]) == []
    arrivals.look(2.0)
    assert [arrivals.look(3.0), arrivals.waiting] == [[], []]
    (first, second) = caplog.messages
    assert '0_mask.png" is a mask by its name, and is left out' in first and '1_mask.png"' in second


def test_files_come_in_the_order_in_which_they_were_written(arrivals, tmp_path):
    for name, modified in (("c.png", 1), ("a.png", 3), ("b.png", 2), ("d.png", 2)):
        write(tmp_path / name, modified=modified)
    arrivals.look(0.0)
    assert names(arrivals.look(1.0)) == ["c.png", "b.png", "d.png", "a.png"]


def test_a_file_that_was_closed_or_renamed_need_not_settle(arrivals, tmp_path):
    path = write(tmp_path / "below" / "1.png")
    assert names(arrivals.closed([path])) == ["1.png"]
    assert arrivals.closed([path]) == []
    assert arrivals.look(0.0) == [] and arrivals.look(5.0) == []


def test_what_no_folder_lists_is_passed_over(arrivals, tmp_path):
    paths = [tmp_path / "new" / name for name in (".1.png", "1.png.part", "notes.txt", "Thumbs.db")]
    outside = write(tmp_path.parent / f"{tmp_path.name}-outside.png")
    thumbnail = write(tmp_path / "@eaDir" / "1.png")
    assert arrivals.closed([*map(write, paths), outside, thumbnail, tmp_path / "gone.png"]) == []
    for now in (0.0, 5.0):
        assert arrivals.look(now) == []


def test_a_file_that_is_written_anew_is_another_image(arrivals, tmp_path):
    path = write(tmp_path / "1.png", modified=1)
    (first,) = arrivals.closed([path])
    write(path, modified=2)
    assert not stamp_is(path, first.stamp)
    assert arrivals.look(0.0) == []
    assert [one.stamp for one in arrivals.look(1.0)] == [(5, 2)]


def test_a_file_that_goes_and_comes_back_is_given_again(arrivals, tmp_path):
    path = write(tmp_path / "1.png")
    arrivals.closed([path])
    path.unlink()
    arrivals.look(0.0)
    write(path)
    assert arrivals.look(1.0) == [] and names(arrivals.look(2.0)) == ["1.png"]


def test_a_folder_that_goes_is_an_error_and_is_looked_at_again(tmp_path):
    folder = tmp_path / "drive"
    write(folder / "1.png")
    arrivals = Arrivals([folder], settle=1.0)
    arrivals.look(0.0)
    folder.rename(tmp_path / "away")
    with pytest.raises(BadData, match="is not a folder"):
        arrivals.look(1.0)
    (tmp_path / "away").rename(folder)
    assert names(arrivals.look(2.0)) == ["1.png"]


def test_files_below_links_are_found(tmp_path):
    write(tmp_path / "disk" / "1.png")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "line").symlink_to(tmp_path / "disk")
    arrivals = Arrivals([tmp_path / "new", tmp_path / "new"], settle=0.0)
    arrivals.look(0.0)
    assert [one.path for one in arrivals.look(0.0)] == [tmp_path / "new" / "line" / "1.png"]
