"""Files from strangers: only decoders that are wanted see them, and none for long."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from padimkit.errors import BadArgument, BadImage
from padimkit.images import decoders
from padimkit.images.decoding import largest_value, open_image, open_mask
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader
from padimkit.images.sample import Sample

POSTSCRIPT = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n0 0 8 8 rectfill\nshowpage\n%%EOF\n"
)
WANTED = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "PPM", "JPEG2000", "GIF", "TGA")


@pytest.fixture
def pixels(random):
    return random.integers(0, 256, (7, 11, 3), dtype=np.uint8)


def _written(path: Path, pixels, kind: str) -> Path:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    path.write_bytes(content.getvalue())
    return path


@pytest.mark.parametrize("kind", WANTED)
def test_a_format_is_known_by_the_content_whatever_the_name(tmp_path, pixels, kind):
    assert open_image(_written(tmp_path / "a.png", pixels, kind)).size == (11, 7)


@pytest.mark.parametrize("kind", ["ICO", "PCX", "SGI", "DDS", "SPIDER", "ICNS", "DIB"])
def test_formats_that_nobody_wants_are_not_decoded(tmp_path, kind):
    _written(
        tmp_path / "a.png",
        np.zeros((32, 32), np.uint8) if kind == "SPIDER" else np.zeros((32, 32, 3), np.uint8),
        kind,
    )
    with pytest.raises(BadImage, match="is not an image that can be read"):
        open_image(tmp_path / "a.png")


def test_no_program_is_started_for_postscript_that_is_named_png(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(
        EpsImagePlugin, "Ghostscript", lambda *_: started.append("gs") or Image.new("RGB", (8, 8)).im
    )
    (tmp_path / "a.png").write_bytes(POSTSCRIPT)
    for opens in (open_image, open_mask, largest_value):
        with pytest.raises(BadImage, match="is not an image that can be read"):
            opens(tmp_path / "a.png")
    assert started == []


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, KeyError, AssertionError, OverflowError])
def test_whatever_a_decoder_raises_is_said_of_the_image(tmp_path, pixels, monkeypatch, error):
    path = _written(tmp_path / "a.bmp", pixels, "BMP")

    def failing(*_):
        raise error("a truncated tile")

    for name, place in (("seek", "opened"), ("load", "loaded")):
        with monkeypatch.context() as patch:
            patch.setattr(f"PIL.BmpImagePlugin.BmpImageFile.{name}", failing)
            with pytest.raises(BadImage, match='a.bmp" cannot be decoded: .*a truncated tile'):
                open_image(path)
            assert place


def test_the_size_of_each_page_is_limited(tmp_path, pixels):
    path = tmp_path / "a.tiff"
    pages = [Image.fromarray(pixels) for _ in range(2)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    content = bytearray(path.read_bytes())
    second = content.rindex(struct.pack("<HHLL", 256, 4, 1, 11))
    struct.pack_into("<L", content, second + 8, 2**31)
    path.write_bytes(content)
    assert open_image(tmp_path / "a.tiff[0]").size == (11, 7)
    with pytest.raises(BadImage, match=r"2147483648 x 7 pixels; at most 178956970 are decoded"):
        open_image(tmp_path / "a.tiff[1]")


def test_the_option_moves_the_limit_of_pixels_for_images_and_masks(tmp_path, pixels):
    image, mask = (_written(tmp_path / f"{name}.png", pixels, "PNG") for name in ("image", "mask"))

    def read(most):
        preprocessing = Preprocessing(resize=8, crop=8, most_pixels=most)
        return list(Reader(preprocessing, workers=0).batches([Sample(image, True, mask)]))

    assert len(read(77)) == 1
    with pytest.raises(BadImage, match=r'image.png" has 11 x 7 pixels; at most 76 .* raise "most_pixels"'):
        read(76)
    _written(mask, np.zeros((8, 11), np.uint8), "PNG")
    with pytest.raises(BadImage, match=r'mask.png" has 11 x 8 pixels'):
        read(77)


@pytest.mark.parametrize("most", [0, 2**31, 10**30, True])
def test_a_limit_out_of_its_range_is_refused(most):
    message = '"most_pixels" (of at (least 1|most 2147483647),|to be a number,) got'
    with pytest.raises(BadArgument, match=message):
        Preprocessing(most_pixels=most)


@pytest.mark.parametrize("kind", WANTED)
def test_an_image_that_takes_too_long_is_given_up(tmp_path, pixels, monkeypatch, kind):
    path = _written(tmp_path / "a.png", pixels, kind)
    monkeypatch.setattr(decoders, "_MOST_SECONDS", -1.0)
    with pytest.raises(
        BadImage, match=r'a.png" takes more than -1 seconds to decode. .* raise "most_pixels"'
    ):
        open_image(path)


def test_more_pixels_may_take_more_time_in_proportion(tmp_path, pixels, monkeypatch):
    path = _written(tmp_path / "a.png", pixels, "PNG")
    monkeypatch.setattr(decoders, "_MOST_SECONDS", -1.0)
    with pytest.raises(BadImage, match="more than -3 seconds"):
        open_image(path, most_pixels=3 * decoders.MOST_PIXELS)


@pytest.mark.parametrize("content", [b"", b"B", b"BM", b"II*", b"%!PS"])
def test_what_is_too_short_for_an_image_has_no_format(content):
    assert decoders.other_format(content) is None
