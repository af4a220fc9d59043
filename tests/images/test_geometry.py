"""Pixels are where the geometry says, by Pillow's own resize of single marked pixels."""

import re

import numpy as np
import pytest
from PIL import Image

from padimkit import Geometry, LongSide, Preprocessing, Scale, ShortSide
from padimkit.errors import BadArgument, BadShape
from padimkit.images.decoding import open_image
from padimkit.images.forms import as_region, as_size

ORIGINAL = (60, 90)  # height and width
FORMS = {
    "default": Preprocessing(),
    "square": Preprocessing(resize=40, crop=30),
    "rectangle": Preprocessing(resize=(37, 101), crop=None),
    "rectangle, odd crop": Preprocessing(resize=(51, 78), crop=(40, 61)),
    "short side": Preprocessing(resize=ShortSide(45), crop=None),
    "long side, padded": Preprocessing(resize=LongSide(75), crop=None, pad=(81, 90)),
    "padded, then cropped": Preprocessing(resize=LongSide(80), crop=(70, 64), pad=80),
    "scale": Preprocessing(resize=Scale(1.7), crop=None),
    "box": Preprocessing(resize=(50, 40), crop=None, roi=(20, 10, 70, 45)),
    "box, cropped": Preprocessing(resize=ShortSide(33), crop=(30, 41), roi=(10, 5, 80, 50)),
    "original": Preprocessing(resize=None, crop=(33, 44)),
}


def marked(column, row, size=ORIGINAL):
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[row, column] = 255
    return Image.fromarray(pixels)


def centroid(pixels):
    """The middle of what is bright, with pixel centres at halves."""
    weights = pixels[..., 0].astype(float)
    rows, columns = np.indices(weights.shape) + 0.5
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pixel", [(45, 30), (34, 24), (58, 37)])
def test_a_marked_pixel_is_where_the_geometry_says(form, pixel):
    preprocessing, centre = FORMS[form], np.array(pixel) + 0.5
    found = centroid(preprocessing.pixels(marked(*pixel)))
    expected = preprocessing.to_model(centre, ORIGINAL)
    np.testing.assert_allclose(found, expected, atol=0.25)  # bytes are rounded, and negative ones cut off
    np.testing.assert_allclose(preprocessing.to_original(expected, ORIGINAL), centre)


@pytest.mark.parametrize("form", FORMS)
def test_masks_are_where_their_images_are(form):
    preprocessing = FORMS[form]
    mask = np.zeros(ORIGINAL, np.uint8)
    mask[20:38, 30:60] = 255
    found = preprocessing.mask(Image.fromarray(mask)).numpy()
    corners = preprocessing.to_model(np.array([[30.0, 20.0], [60.0, 38.0]]), ORIGINAL)
    rows, columns = np.nonzero(found)
    edges = [[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]]
    np.testing.assert_allclose(edges, corners, atol=0.5 + 1e-9)
    assert found.shape == preprocessing.geometry(ORIGINAL).size


@pytest.mark.parametrize("form", FORMS)
def test_the_share_looked_at_is_counted_on_the_original(form):
    """Corners of a fine grid of the original are looked at if they lie in the model's image."""
    geometry = FORMS[form].geometry(ORIGINAL)
    x, y = np.meshgrid((np.arange(1800) + 0.5) / 20, (np.arange(1200) + 0.5) / 20)
    inside = geometry.to_model(np.stack([x, y], axis=-1))
    height, width = geometry.size
    seen = ((inside >= 0) & (inside < [width, height])).all(-1).mean()
    assert geometry.seen == pytest.approx(seen, abs=0.002)


def test_the_papers_crop_looks_at_77_percent():
    assert Preprocessing().geometry((900, 900)).seen == (224 / 256) ** 2


def test_points_are_those_of_the_upright_image(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    marked(70, 12).save(tmp_path / "a.png", exif=exif)
    picture = open_image(tmp_path / "a.png")
    preprocessing = Preprocessing(resize=(120, 90), crop=None)
    centre = np.array([60 - 12 - 0.5, 70 + 0.5])
    assert (picture.height, picture.width) == (90, 60)
    found = centroid(preprocessing.pixels(picture))
    np.testing.assert_allclose(found, preprocessing.to_model(centre, (90, 60)), atol=0.25)


def test_any_number_of_points_can_be_moved_there_and_back(random):
    geometry = Geometry((100, 300), (20, 10, 260, 90), (50, 60), (-5, 3), (56, 40))
    for shape in ((2,), (7, 2), (3, 4, 2)):
        points = random.random(shape) * 50
        np.testing.assert_allclose(geometry.to_model(geometry.to_original(points)), points)


@pytest.mark.parametrize(
    ("resize", "size", "expected"),
    [
        (ShortSide(256), (480, 640), (256, 341)),
        (ShortSide(256), (640, 480), (341, 256)),
        (ShortSide(256), (480, 643), (256, 343)),
        (LongSide(256), (480, 640), (192, 256)),
        (LongSide(100), (3, 1000), (1, 100)),  # no side vanishes
        (Scale(0.5), (481, 640), (240, 320)),
        (None, (481, 640), (481, 640)),
        ((30, 50), (481, 640), (30, 50)),
        (64, (481, 640), (64, 64)),
    ],
)
def test_sizes_after_the_resize(resize, size, expected):
    assert Preprocessing(resize=resize, crop=None).geometry(size).size == expected


def test_padding_repeats_the_edges_of_images_and_masks(random):
    pixels = random.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    preprocessing = Preprocessing(resize=None, crop=None, pad=(8, 10))
    expected = np.pad(pixels, ((1, 2), (1, 2), (0, 0)), mode="edge")
    np.testing.assert_array_equal(preprocessing.pixels(Image.fromarray(pixels)), expected)
    mask = preprocessing.mask(Image.fromarray(pixels[..., 0])).numpy()
    np.testing.assert_array_equal(mask, expected[..., 0] > 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resize": (40, 50), "crop": (41, 20)}, r"got crop \[41, 20\] and resize \[40, 50\]"),
        ({"resize": 40, "crop": None, "pad": 39}, '"resize" <= "pad", got resize 40 and pad 39'),
        ({"resize": 40, "crop": 60, "pad": (50, 70)}, r'"crop" <= "pad", got crop 60 and pad \[50, 70\]'),
        ({"resize": ShortSide(0)}, '"resize.short_side" above 0, got 0'),
        ({"resize": LongSide(-3)}, '"resize.long_side" above 0, got -3'),
        ({"resize": Scale(float("nan"))}, '"resize.scale" above 0, got nan'),
        ({"resize": None, "crop": 0}, '"crop" of at least 1 pixel, got 0'),
        ({"resize": None, "crop": None, "pad": (3, 0)}, r'"pad" of at least 1 pixel, got \[3, 0\]'),
    ],
)
def test_sizes_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(BadArgument, match=message):
        Preprocessing(**arguments)


def test_a_list_stands_for_the_pair_in_it():
    assert as_size("crop", [3, 4]) == (3, 4)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("crop", (3, 4, 5), "or none, got (3, 4, 5)."),
        ("pad", Scale(0.5), "or none, got Scale(scale=0.5)."),
        ("resize", "256", "a ShortSide, a LongSide, a Scale or none, got '256'."),
        ("resize", True, "got True."),
        ("resize", (2.0, 3), "got (2.0, 3)."),
    ],
)
def test_what_is_not_a_size_is_refused(name, value, message):
    with pytest.raises(BadArgument, match=re.escape(message)):
        as_size(name, value)


def test_an_image_that_does_not_fit_crop_or_padding_is_refused():
    with pytest.raises(BadShape, match=r'60 x 90 .* becomes 60 x 90 .* smaller than "crop", 70 x 70'):
        Preprocessing(resize=None, crop=70).geometry(ORIGINAL)
    with pytest.raises(BadShape, match=r'60 x 90 .* becomes 80 x 120 .* larger than "pad", 100 x 100'):
        Preprocessing(resize=ShortSide(80), crop=None, pad=100).geometry(ORIGINAL)


@pytest.mark.parametrize("box", [[0, 0, 0, 5], [5, 0, 3, 9], [-1, 0, 4, 4]])
def test_a_box_without_area_is_refused(box):
    with pytest.raises(BadArgument, match="0 <= left < right and 0 <= top < bottom, got"):
        as_region(box)


def test_the_path_of_a_mask_may_begin_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert as_region("~/mask.png") == tmp_path / "mask.png"


@pytest.mark.parametrize("value", [[1, 2, 3], [1, 2, 3.5, 4], 7])
def test_what_is_neither_a_box_nor_a_path_is_refused(value):
    with pytest.raises(BadArgument, match=r"\[left, top, right, bottom\], the path of a mask or none, got"):
        as_region(value)


@pytest.mark.parametrize("size", [(0, 0), (0, 50), (50, 0)])
@pytest.mark.parametrize("resize", [None, ShortSide(80), 64])
def test_an_image_without_pixels_has_no_geometry(size, resize):
    with pytest.raises(BadShape, match=f"{size[0]} x {size[1]} pixels .* has no pixels"):
        Preprocessing(resize, crop=None).to_original(np.zeros((1, 2)), size)


def test_a_box_beyond_the_image_is_refused():
    with pytest.raises(BadShape, match=r"60 x 90 .* does not hold the box \[0, 0, 91, 60\]"):
        Preprocessing(roi=(0, 0, 91, 60)).geometry(ORIGINAL)


def test_only_the_box_is_read(random):
    pixels = random.integers(0, 256, (*ORIGINAL, 3), dtype=np.uint8)
    preprocessing = Preprocessing(resize=30, crop=None, roi=(20, 10, 70, 45))
    found = preprocessing.pixels(Image.fromarray(pixels))
    part = Image.fromarray(pixels[10:45, 20:70].copy()).resize((30, 30), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(found, np.asarray(part))
    assert preprocessing.geometry(ORIGINAL).seen == pytest.approx(50 * 35 / (60 * 90))
    assert Preprocessing(resize=None, crop=None, roi=(20, 10, 70, 45)).size == (35, 50)


@pytest.mark.parametrize("resize", [LongSide(128), Scale(0.8), ShortSide(33), 224])
def test_a_whole_image_is_seen_without_a_remainder(resize):
    """Else a line of an inspection would say that 1e-16 of it is not looked at."""
    assert all(Preprocessing(resize, None).geometry((120, width)).seen == 1 for width in range(100, 300, 7))


def test_the_size_of_all_images_is_known_where_it_does_not_depend_on_them():
    known = [FORMS[form].size for form in ("default", "rectangle", "long side, padded", "original")]
    assert known == [(224, 224), (37, 101), (81, 90), (33, 44)]
    assert FORMS["short side"].size is FORMS["scale"].size is None
