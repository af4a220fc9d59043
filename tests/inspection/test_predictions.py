import os
from pathlib import Path

import numpy as np
import pytest
import torch

from padimkit.inspection.predictions import _names, overlay


def names(*paths):
    return [str(path) for path in _names(list(paths))]


def test_names_follow_the_folders_of_the_images():
    assert names("d/good/1.png", "d/bad/1.png") == ["good/1.png", "bad/1.png"]
    assert names("d/1.jpg") == ["1.png"]


def test_a_suffix_tells_images_apart():
    assert names("d/1.jpg", "d/1.png", "d/2.bmp") == ["1.jpg.png", "1.png.png", "2.png"]


def test_names_are_distinct_whatever_the_names_of_the_images():
    assert names("d/1.png", "d/1.jpg", "d/1.jpg.bmp") == ["1.png.png", "1.jpg.png", "1.jpg-1.png"]
    assert names("d/a.png", "d/A.png", "d/A.PNG") == ["a.png.png", "A.png-1.png", "A.PNG-2.png"]
    assert names("d/1.png", "./d/1.png") == ["1.png.png", "1.png-1.png"]
    long = names("d/" + 250 * "x" + ".png", "d/" + 251 * "x" + ".png", "d/" + 80 * "\N{SNOWMAN}" + ".png")
    assert len(set(long)) == 3 and max(len(os.fsencode(name)) for name in long) <= 255


def test_names_take_linear_time():
    """By the number of comparisons: each path is hashed a few times, however many there are."""
    count = 3000
    found = names(*(f"d/{number % 1500}.{'png' if number < 1500 else 'jpg'}" for number in range(count)))
    assert len(set(found)) == count


def test_names_on_several_drives_have_folders_of_their_own(monkeypatch):
    def of_windows(_):
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr(os.path, "commonpath", of_windows)
    assert names("/d/1.png", "/e/1.png") == ["root/d/1.png", "root/e/1.png"]


def test_names_stay_inside_the_output(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    for name in names("../b/1.png", "c/1.png", str(tmp_path / "2.png")):
        assert ".." not in Path(name).parts
        assert not Path(name).is_absolute()


def test_an_overlay_is_red_where_the_map_is_high_and_blue_where_it_is_low():
    image, anomaly_map = torch.full((3, 4, 4), 0.5), torch.zeros(4, 4)
    anomaly_map[0, 0] = 9.0
    pixels = np.asarray(overlay(image, anomaly_map, low=0.0, high=9.0)).astype(int)
    red, _, blue = pixels[0, 0]
    assert red > blue
    red, _, blue = pixels[3, 3]
    assert blue > red


def test_a_constant_map_is_drawn():
    picture = overlay(torch.zeros(3, 2, 2), torch.full((2, 2), 3.0), low=3.0, high=3.0)
    assert picture.size == (2, 2)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_image_shows_through(value):
    picture = overlay(torch.full((3, 2, 2), value), torch.zeros(2, 2), low=0.0, high=1.0)
    assert (np.asarray(picture)[0, 0, 0] >= 127) == bool(value)
