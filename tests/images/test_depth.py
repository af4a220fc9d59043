"""Files with more than 8 bits per channel give what the same pictures give in 8 bits."""

import struct
import zlib
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file, save_file

from padimkit import (
    Gaussian,
    Identity,
    Inspector,
    Pipeline,
    Pixels,
    Preprocessing,
    calibrate,
    load,
    save,
)
from padimkit.cli.main import main
from padimkit.errors import BadImage, CannotMerge
from padimkit.images.decoding import largest_value, open_image
from padimkit.images.depth import depth_of
from padimkit.inspection.exported.scorer import ExportedScorer
from padimkit.testing.inputs.models import model_of


def deepened(pixels, bits):
    return np.rint(pixels * ((2**bits - 1) / 255)).astype(np.uint16)


def write_png(path, pixels, exif=b""):
    """PNG of 16 bits and any colours, which Pillow does not write."""
    height, width = pixels.shape[:2]
    colours = {1: 0, 2: 4, 3: 2, 4: 6}[pixels.shape[2] if pixels.ndim == 3 else 1]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colours, 0, 0, 0))]
    chunks += [(b"eXIf", exif)] * bool(exif) + [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    content = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def write_colour_tiff(path, pixels, deflate=False):
    """A TIFF of 16-bit RGB, which Pillow does not write either."""
    height, width = pixels.shape[:2]
    data = pixels.astype("<u2").tobytes()
    data = zlib.compress(data) if deflate else data
    end = 8 + 2 + 9 * 12 + 4
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, end),
        (259, 3, 1, 8 if deflate else 1),
        (262, 3, 1, 2),
    ]
    tags += [(273, 4, 1, end + 6), (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(data))]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + struct.pack("<I", 0)
    path.write_bytes(head + struct.pack("<HHH", 16, 16, 16) + data)


def save_grey(path, pixels):
    Image.fromarray(pixels).save(path)


FORMS = {  # the suffix, whether there are colours, and the way to write
    "grey PNG": ("png", False, save_grey),
    "grey TIFF": ("tif", False, save_grey),
    "colour PNG": ("png", True, write_png),
    "colour TIFF": ("tif", True, write_colour_tiff),
    "deflated colour TIFF": ("tif", True, partial(write_colour_tiff, deflate=True)),
}


@pytest.fixture
def pictures(random):
    """Makes grey or colour pictures in 8 bits, with black and white in them."""

    def pictures(colour, count=4):
        pixels = random.integers(0, 256, (count, 6, 7, 3) if colour else (count, 6, 7))
        pixels[:, 0, 0], pixels[:, 0, 1] = 0, 255
        return pixels

    return pictures


def made(**arguments):
    preprocessing = Preprocessing(resize=None, crop=None, **arguments)
    return Pipeline(Pixels(), Identity(), Gaussian(), preprocessing=preprocessing)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("form", FORMS)
def test_deep_files_give_the_scores_of_8_bits(tmp_path, pictures, form, bits):
    suffix, colour, write = FORMS[form]
    folders = {8: tmp_path / "8", bits: tmp_path / "deep"}
    for number, pixels in enumerate(pictures(colour)):
        place = f"{'test' if number == 3 else 'train'}/{number}.{suffix}"
        for folder in folders.values():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folders[8] / place)
        write(folders[bits] / place, deepened(pixels, bits))
    expected = made().fit(folders[8] / "train").predict(folders[8] / "test").anomaly_maps
    for pipeline in (made(), made(bits=bits)):
        pipeline.fit(folders[bits] / "train")
        assert torch.equal(pipeline.predict(folders[bits] / "test").anomaly_maps, expected)
    save(pipeline := made().fit(folders[bits] / "train"), tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert int(pipeline.state_dict()["bits"]) == bits
    assert torch.equal(loaded.predict(folders[bits] / "test").anomaly_maps, expected)
    assert torch.equal(loaded.predict(folders[8] / "test").anomaly_maps, expected)  # of 8 bits, so it fits


@pytest.mark.parametrize(
    ("colour", "write", "hold"),
    [
        (False, save_grey, Image.fromarray),
        (False, save_grey, np.array),
        (False, save_grey, lambda pixels: pixels.astype(">u2")),
        (True, write_png, np.array),
    ],
    ids=["a grey picture", "a grey array", "a grey array of the other byte order", "an array of colours"],
)
def test_what_is_in_memory_is_as_its_file(tmp_path, pictures, colour, write, hold):
    pixels = [deepened(one, 12) for one in pictures(colour)]
    for number, one in enumerate(pixels):
        write(tmp_path / f"{number}.png", one)
    held = [hold(one) for one in pixels]
    from_files, from_memory = made().fit(tmp_path), made().fit(held)
    assert int(from_memory.state_dict()["bits"]) == 12
    expected = from_files.predict(tmp_path).anomaly_maps
    for pipeline in (from_files, from_memory, made(bits=12).fit(held)):
        for given in (held, tmp_path):
            assert torch.equal(pipeline.predict(given).anomaly_maps, expected)
    inspector = Inspector(from_memory, calibrate(from_memory, held, progress=False))
    scores = [inspection.score for inspection in inspector.each([*held, *sorted(tmp_path.iterdir())])]
    assert scores == [*from_files.predict(tmp_path).image_scores.tolist()] * 2


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("bits", [None, 10, 12])
def test_exported_models_read_arrays_as_files(tmp_path, pictures, colour, bits):
    """10 bits are too few: both are refused."""
    card = replace(
        model_of("first").source.card, size=(6, 7), framing=made().preprocessing.framing, depth=bits
    )
    scorer = ExportedScorer(SimpleNamespace(card=card))
    pixels = deepened(pictures(colour)[0], 12)
    (write_png if colour else save_grey)(tmp_path / "a.png", pixels)
    given = enumerate((tmp_path / "a.png", pixels))
    file, array = (scorer.read(entry) for number, one in given for entry in scorer.entries(one, number))
    if bits == 10:
        assert "has values up to 4095, more than 10 bits hold" in array.error and array.error.startswith(
            '"image 1"'
        )
        assert array.error.replace("image 1", file.name) == file.error
    else:
        np.testing.assert_array_equal(array.images, file.images)


@pytest.mark.parametrize("colour", [False, True])
def test_an_array_of_more_bits_than_the_training_images_is_refused(pictures, colour):
    pipeline = made().fit([deepened(one, 10) for one in pictures(colour)])
    with pytest.raises(BadImage, match='"image 0" has values up to 4095, more than 10 bits hold'):
        pipeline.predict(deepened(pictures(colour)[0], 12))


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_more_bits_than_the_training_images_is_refused_by_name(tmp_path, pictures, form):
    suffix, colour, write = FORMS[form]
    (tmp_path / "train").mkdir()
    for number, pixels in enumerate(pictures(colour)):
        write(tmp_path / "train" / f"{number}.{suffix}", deepened(pixels, 10))
    pipeline = made().fit(tmp_path / "train")
    deeper = tmp_path / f"deeper.{suffix}"
    write(deeper, deepened(pixels, 12))
    with pytest.raises(BadImage, match=rf'deeper\.{suffix}" has values up to 4095, more than 10 bits hold'):
        pipeline.predict(deeper)


def test_a_deep_file_after_training_images_of_8_bits_is_refused(tmp_path, pictures):
    pipeline = made().fit([Image.fromarray(one.astype(np.uint8)) for one in pictures(True)])
    save_grey(tmp_path / "a.png", deepened(pictures(False)[0], 12))
    with pytest.raises(BadImage, match="4095, more than 8 bits hold"):
        pipeline.predict(tmp_path / "a.png")


def test_old_models_read_deep_files_as_before(tmp_path, pictures):
    for number, pixels in enumerate(pictures(False)):
        save_grey(tmp_path / f"{number}.png", deepened(pixels, 16))
    pipeline = made().fit(tmp_path)
    state = pipeline.state_dict()
    del state["bits"]
    save_file(state, tmp_path / "state")
    old = made()
    old.load_state_dict(load_file(tmp_path / "state"))
    assert torch.equal(old.predict(tmp_path).anomaly_maps, pipeline.predict(tmp_path).anomaly_maps)


def test_the_depth_is_the_smallest_that_holds_the_largest_value():
    known = {0: 8, 255: 8, 256: 10, 1023: 10, 1024: 12, 4095: 12, 4096: 14, 16383: 14, 16384: 16, 65535: 16}
    assert {value: depth_of([value, None, 0]) for value in known} == known
    assert depth_of([None, None]) == 8


def test_files_of_8_bits_have_no_largest_value(tmp_path, pictures):
    for suffix, kind in (("png", "L"), ("png", "RGB"), ("jpg", "RGB"), ("tif", "L"), ("png", "P")):
        Image.fromarray(pictures(True)[0].astype(np.uint8)).convert(kind).save(tmp_path / f"a.{suffix}")
        assert largest_value(tmp_path / f"a.{suffix}") is None


def test_transparency_is_dropped(tmp_path, random):
    pixels = random.integers(0, 256, (5, 6, 4))
    write_png(tmp_path / "a.png", deepened(pixels, 12))
    np.testing.assert_array_equal(np.asarray(open_image(tmp_path / "a.png", 12)), pixels[..., :3])


def test_grey_with_transparency_of_16_bits_is_refused(tmp_path, random):
    write_png(tmp_path / "a.png", deepened(random.integers(0, 256, (5, 6, 2)), 12))
    assert open_image(tmp_path / "a.png").mode == "RGB"  # the upper byte is enough
    with pytest.raises(BadImage, match=r'a\.png" has 16 bits and transparency .* Save it as 16-bit grey'):
        open_image(tmp_path / "a.png", 12)


def test_deep_colours_are_turned_upright(tmp_path, pictures):
    pixels = pictures(True)[0]
    exif = Image.Exif()
    exif[0x0112] = 6
    write_png(tmp_path / "a.png", deepened(pixels, 12), exif.tobytes().removeprefix(b"Exif\0\0"))
    np.testing.assert_array_equal(np.asarray(open_image(tmp_path / "a.png", 12)), np.rot90(pixels, -1))


def test_a_cut_off_deep_png_is_refused_by_name(tmp_path, pictures):
    write_png(tmp_path / "a.png", deepened(pictures(True)[0], 12))
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:80])
    with pytest.raises(BadImage, match=r'a\.png" cannot be decoded'):
        made().fit(tmp_path)


def test_models_of_other_depths_are_not_merged(pictures):
    first, second = (
        made().fit([Image.fromarray(deepened(one, bits)) for one in pictures(False)]) for bits in (10, 12)
    )
    with pytest.raises(CannotMerge, match="images of 10 bits, the other from 12"):
        first.merge(second)


def test_settings_take_the_bits(stripes, tmp_path):
    words = ["padim-filter-bank", "--data=mvtec", f"--data.root={stripes}", "--data.category=stripes"]
    words += ["--pipeline.preprocessing.bits=12", f"--output={tmp_path / 'model'}"]
    assert main(["fit", *words]) == 0
    assert (
        yaml.safe_load((tmp_path / "model/config.yaml").read_text())["pipeline"]["preprocessing"]["bits"]
        == 12
    )
    assert load(tmp_path / "model").preprocessing.bits == 12


def test_a_picture_of_which_pillow_keeps_half_the_bits_is_refused(tmp_path, pictures):
    write_png(tmp_path / "deep.png", deepened(pictures(True)[0], 12))
    with Image.open(tmp_path / "deep.png") as picture:
        with pytest.raises(
            BadImage, match="image 0 has 16 bits per colour, of which Pillow keeps 8. Pass its"
        ):
            made().fit([picture, picture])


def test_an_image_that_is_too_large_to_decode_is_refused_by_name(tmp_path, pictures):
    Image.fromarray(pictures(True)[0].astype(np.uint8)).save(tmp_path / "large.png")
    with pytest.raises(BadImage, match='large.png" has .* pixels; at most 10 are decoded'):
        made(most_pixels=10).fit(tmp_path)
