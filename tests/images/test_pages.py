"""Several pages of a TIFF are several images, each read alone."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageOps, TiffImagePlugin
from tiff_pages import TURN, write_tiff

from padimkit import BadImage, Gaussian, Identity, Pipeline, Pixels, Preprocessing
from padimkit.images.decoding import largest_value, open_image, open_mask
from padimkit.images.inputs import samples_of
from padimkit.images.listing import list_images
from padimkit.images.pages import page_of, pages_in, pages_of, without_suffix

KIND, OLD_KIND = 254, 255


@pytest.fixture
def pages(random):
    return [random.integers(0, 256, (6, 9, 3)).astype(np.uint8) for _ in range(4)]


@pytest.fixture
def stack(tmp_path, pages):
    return write_tiff(tmp_path / "scan.tiff", pages)


def names(path):
    return [page.name for page in pages_of(path)]


@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
def test_each_page_is_an_image_of_its_own(tmp_path, pages, order, big):
    path = write_tiff(tmp_path / "scan.tif", pages, order=order, big=big)
    assert names(path) == ["scan.tif[0]", "scan.tif[1]", "scan.tif[2]", "scan.tif[3]"]
    for page, expected in zip(pages_of(path), pages, strict=True):
        np.testing.assert_array_equal(open_image(page), expected)


@pytest.mark.parametrize("options", [{}, {"big_tiff": True}, {"compression": "tiff_lzw"}])
def test_pages_that_pillow_writes_are_found_too(tmp_path, pages, options):
    first, *others = map(Image.fromarray, pages)
    first.save(tmp_path / "scan.tiff", save_all=True, append_images=others, **options)
    for page, expected in zip(pages_of(tmp_path / "scan.tiff"), pages, strict=True):
        np.testing.assert_array_equal(open_image(page), expected)


def test_a_folder_and_a_path_list_the_same_pages(stack, tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    Image.new("L", (4, 4)).save(tmp_path / "b.tif")
    listed = [path.name for path in list_images(tmp_path)]
    assert listed == ["a.png", "b.tif", *names(stack)]
    assert [sample.path.name for sample in samples_of(tmp_path, 0)] == listed
    assert [sample.path.name for sample in samples_of(stack, 0)] == names(stack)
    assert [sample.path.name for sample in samples_of(f"{stack}[2]", 0)] == ["scan.tiff[2]"]


@pytest.mark.parametrize("tag", [{KIND: 1}, {KIND: 4}, {OLD_KIND: 2}])
def test_thumbnails_and_masks_are_left_out(tmp_path, pages, tag):
    path = write_tiff(tmp_path / "scan.tiff", pages, tags=({}, tag))
    assert names(path) == ["scan.tiff[0]", "scan.tiff[2]"]
    np.testing.assert_array_equal(open_image(pages_of(path)[1]), pages[2])
    np.testing.assert_array_equal(open_image(tmp_path / "scan.tiff[1]"), pages[1])  # if it is named


@pytest.mark.parametrize(("tags", "found"), [(({}, {KIND: 1}), 0), (({KIND: 1}, {KIND: 2}), 1)])
def test_an_image_with_a_thumbnail_is_the_file_itself(tmp_path, pages, tags, found):
    path = write_tiff(tmp_path / "scan.tiff", pages[:2], tags=tags)
    assert pages_of(path) == [path]
    np.testing.assert_array_equal(open_image(path), pages[found])


def test_a_file_of_thumbnails_only_is_its_first(tmp_path, pages):
    path = write_tiff(tmp_path / "scan.tiff", pages, tags=({KIND: 1},))
    assert pages_of(path) == [path]
    np.testing.assert_array_equal(open_image(path), pages[0])


def test_pages_have_all_their_bits_and_turn_by_their_own_exif(tmp_path, random):
    deep = [random.integers(0, 4096, (6, 9, 3)).astype(np.uint16) for _ in range(3)]
    deep[2][0, 0] = 4095
    path = write_tiff(tmp_path / "scan.tiff", deep, tags=({}, {TURN: 6}, {TURN: 3}))
    found = [largest_value(page) for page in pages_of(path)]
    assert found == [int(page.max()) for page in deep]
    for page, expected, turn in zip(pages_of(path), deep, (0, -1, 2), strict=True):
        eight = np.rint(expected * (255 / 4095)).astype(np.uint8)
        np.testing.assert_array_equal(open_image(page, 12), np.rot90(eight, turn))


def test_a_page_is_read_without_decoding_the_others(tmp_path, pages, monkeypatch):
    path = write_tiff(tmp_path / "scan.tiff", pages, damaged=(0, 2))
    decoded, load = [], TiffImagePlugin.TiffImageFile.load

    def counted(self):
        decoded.append(self.tell())
        return load(self)

    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "load", counted)
    np.testing.assert_array_equal(open_image(tmp_path / "scan.tiff[3]"), pages[3])
    assert set(decoded) == {3}
    for number in (0, 2):
        with pytest.raises(BadImage, match=rf"scan.tiff\[{number}\]\" cannot be decoded"):
            open_image(tmp_path / f"scan.tiff[{number}]")
    assert len(pages_of(path)) == 4


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Truncated File Read")
def test_a_page_whose_directory_is_cut_off_is_listed_and_is_an_error(stack):
    content = stack.read_bytes()
    place = struct.unpack("<I", content[4:8])[0]
    for _ in range(2):
        (count,) = struct.unpack("<H", content[place : place + 2])
        (place,) = struct.unpack("<I", content[place + 2 + 12 * count : place + 6 + 12 * count])
    for kept in (place, place + 1, place + 20):
        stack.write_bytes(content[:kept])
        assert names(stack) == ["scan.tiff[0]", "scan.tiff[1]", "scan.tiff[2]"]
        open_image(pages_of(stack)[1])
        with pytest.raises(BadImage, match=r"scan.tiff\[2\]\" cannot be decoded"):
            open_image(pages_of(stack)[2])


def test_a_chain_of_directories_that_bites_its_tail_ends(stack, pages):
    content = bytearray(stack.read_bytes())
    content[-4:] = content[4:8]
    stack.write_bytes(content)
    assert len(pages_of(stack)) == len(pages)
    np.testing.assert_array_equal(open_image(pages_of(stack)[3]), pages[3])


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("content", [b"", b"II", b"II*\0", b"II*\0" + b"\xff" * 40, b"MM\0+" + b"\xff" * 40])
def test_a_file_that_is_not_a_tiff_is_one_image_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "scan.tiff"
    path.write_bytes(content)
    assert pages_of(path) == [path]
    with pytest.raises(BadImage):
        open_image(path)


def test_a_missing_page_or_file_is_refused(stack, tmp_path):
    with pytest.raises(BadImage, match=r'scan.tiff\[4\]" does not exist: the file has no page 4'):
        open_image(tmp_path / "scan.tiff[4]")
    for path in (tmp_path / "other.tiff[0]", tmp_path / "other.tiff"):
        with pytest.raises(BadImage, match="does not exist"):
            open_image(path)
        with pytest.raises(BadImage, match="does not exist"):
            list(samples_of(path, 0))
    assert pages_of(tmp_path / "other.tiff") == [tmp_path / "other.tiff"]


def test_the_only_image_of_a_file_with_several_is_refused(stack):
    for opened in (open_image, open_mask):
        with pytest.raises(BadImage, match=r'scan.tiff" holds 4 images. Pass its pages.*scan.tiff\[0\]'):
            opened(stack)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_an_animation_is_refused_and_its_lone_frame_is_not(tmp_path, pages, suffix):
    first, *others = [Image.fromarray(page) for page in pages]
    path = tmp_path / f"moving.{suffix}"
    first.save(path, save_all=True, append_images=others)
    with pytest.raises(BadImage, match=rf'moving.{suffix}" is an animation. Save its frames'):
        open_image(path)
    first.save(path)
    assert open_image(path).size == first.size


def test_a_file_whose_name_looks_like_a_page_is_a_file(tmp_path, stack):
    Image.new("RGB", (3, 2), "red").save(tmp_path / "scan.tiff[1]", format="png")
    assert open_image(tmp_path / "scan.tiff[1]").size == (3, 2)
    assert page_of(tmp_path / "scan.tiff[1]").number is None


def test_names_without_suffix_keep_the_page(tmp_path):
    assert without_suffix(tmp_path / "a.b.tiff[12]") == tmp_path / "a.b[12]"
    assert without_suffix(tmp_path / "a[12].png") == tmp_path / "a[12]"


def test_bytes_hold_pages_too(stack, pages):
    found = pages_in(stack.read_bytes(), "image 7")
    assert [page.name for page in found] == [f"image 7[{number}]" for number in range(4)]
    with found[2].opened() as opened:
        np.testing.assert_array_equal(ImageOps.exif_transpose(opened), pages[2])


def test_a_pipeline_learns_and_scores_pages_as_it_does_files(tmp_path, random):
    pixels = [random.integers(0, 256, (16, 16, 3)).astype(np.uint8) for _ in range(6)]
    (tmp_path / "files").mkdir()
    for number, page in enumerate(pixels):
        Image.fromarray(page).save(tmp_path / "files" / f"{number}.png")
    stack = write_tiff(tmp_path / "scan.tiff", pixels)
    preprocessing = Preprocessing(resize=16, crop=16)
    fitted = [
        Pipeline(Pixels(), Identity(), Gaussian(), preprocessing=preprocessing).fit(images)
        for images in (stack, tmp_path / "files")
    ]
    found, expected = (pipeline.predict(stack, progress=False) for pipeline in fitted)
    assert found.paths == tuple(map(str, pages_of(stack)))
    np.testing.assert_array_equal(found.image_scores, expected.image_scores)
