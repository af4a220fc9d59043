"""One listing of image files for all commands and data sets."""

import os
import re

import pytest
from PIL import Image

from padimkit.errors import BadData, BadImage
from padimkit.images.decoding import open_image
from padimkit.images.listing import IMAGE_SUFFIXES, list_images, list_masks, listing_of


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def listed(folder, lister=list_images):
    return [path.relative_to(folder).as_posix() for path in lister(folder)]


def test_images_are_listed_sorted_whatever_their_suffix_and_depth(tmp_path):
    names = ["b.JPG", "a/2.png", "a/10.tiff", "c.webp", "d.PGM", "e.ppm", "f.gif", "g.jp2", "h.TGA"]
    touch(tmp_path, *names, ".hidden.png", "a/._2.png", ".trash/x.png", "Thumbs.db", "a/desktop.ini")
    (tmp_path / "folder.png").mkdir()
    assert listed(tmp_path) == ["a/10.tiff", "a/2.png", *sorted(names)[2:]]


def test_a_hidden_folder_above_hides_nothing(tmp_path):
    folder = touch(tmp_path / ".cache" / "data.v1", "1.png")
    assert listed(folder) == ["1.png"]


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES - {".jp2"}))
def test_every_suffix_is_one_that_can_be_opened(tmp_path, suffix):
    Image.new("1" if suffix == ".pbm" else "L", (4, 4), 1).save(tmp_path / f"a{suffix}")
    assert open_image(list_images(tmp_path)[0]).size == (4, 4)


def test_a_folder_that_is_missing_or_without_images_is_refused(tmp_path):
    with pytest.raises(BadData, match=re.escape(f'"{tmp_path / "gone"}" is not a folder.')):
        list_images(tmp_path / "gone")
    with pytest.raises(BadData, match=re.escape(f'"{tmp_path}" holds no images (.bmp, ')):
        list_images(tmp_path)


def test_a_link_to_nowhere_is_not_skipped(tmp_path):
    (tmp_path / "1.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    (tmp_path / "folder.png").mkdir()
    assert listed(tmp_path) == ["1.png", "self.png"]
    with pytest.raises(BadImage, match='1.png" does not exist'):
        open_image(tmp_path / "1.png")


def test_links_to_folders_are_followed(tmp_path):
    touch(tmp_path / "disk", "2.png", "below/3.png")
    folder = touch(tmp_path / "data", "1.png")
    (folder / "line").symlink_to(tmp_path / "disk")
    (tmp_path / "top").symlink_to(folder)
    assert listed(folder) == listed(tmp_path / "top") == ["1.png", "line/2.png", "line/below/3.png"]


@pytest.mark.parametrize("above", [".", ".."])
def test_a_link_to_a_folder_above_is_refused(tmp_path, above):
    folder = touch(tmp_path / "a" / "b", "1.png")
    (folder / "loop").symlink_to(above)
    with pytest.raises(BadData, match=r'loop.*" is a link to ".*", in which it lies: a loop'):
        list_images(folder)


def test_a_loop_over_two_links_is_refused(tmp_path):
    here, there = touch(tmp_path / "here", "1.png"), touch(tmp_path / "there", "2.png")
    (here / "to").symlink_to(there)
    (there / "back").symlink_to(here)
    with pytest.raises(BadData, match="a loop"):
        list_images(here)


def test_a_folder_that_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    touch(tmp_path, "1.png", "locked/2.png")
    real = os.scandir

    def refused(path):
        if os.fspath(path).endswith("locked"):  # root, who may run these tests, obeys no modes
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(BadData, match='locked" cannot be read: Permission denied'):
        list_images(tmp_path)


def test_what_is_left_out_is_counted_and_named(tmp_path, caplog):
    touch(tmp_path, "1.png", "readme.txt", "a/1.xml", "a/2.xml", "Makefile", "@eaDir/1.png/thumb.jpg")
    assert listed(tmp_path) == ["1.png"]
    found = listing_of(tmp_path).left_out
    assert [path.name for path in found] == ["@eaDir", "Makefile", "1.xml", "2.xml", "readme.txt"]
    (said,) = caplog.messages
    assert f'"{tmp_path}": 5 files or folders are left out' in said
    assert ".xml 2" in said and '"@eaDir", "Makefile"' in said


def test_files_of_systems_are_left_out_without_a_word(tmp_path, caplog):
    touch(tmp_path, "1.png", ".DS_Store", "Thumbs.db", "desktop.ini", "._1.png", ".nfs0001")
    assert listed(tmp_path) == ["1.png"] and caplog.messages == []


def test_a_pipe_is_no_image(tmp_path):
    touch(tmp_path, "1.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert listed(tmp_path) == ["1.png"]


@pytest.mark.parametrize("mask", ["a/1_mask.png", "a/1_MASK.bmp", "a/2_mask.png", "b/1_mask.png"])
def test_masks_are_no_images_whatever_is_beside_them(tmp_path, mask):
    touch(tmp_path, "a/1.png")
    assert listed(tmp_path) == ["a/1.png"]
    touch(tmp_path, mask)
    with pytest.raises(BadData, match=f'{mask}" is a mask by its name, .* Move masks into a folder of their'):
        list_images(tmp_path)
    assert len(listed(tmp_path, list_masks)) == 2


def test_names_that_are_not_utf_8_are_listed(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    Image.new("L", (4, 4)).save(tmp_path / name)
    (path,) = list_images(tmp_path)
    assert path.name == name and open_image(path).size == (4, 4)
