import struct

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.interpolate import CubicHermiteSpline
from torch.nn.functional import interpolate

from padimkit.errors import BadArgument, BadImage
from padimkit.images.decoding import open_image, open_mask
from padimkit.images.preprocessing import Preprocessing

TURNED = {  # what a viewer shows of stored pixels, by EXIF orientation (TIFF 6.0, tag 274)
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[:, ::-1].swapaxes(0, 1),
}


@pytest.fixture
def pixels():
    return np.random.default_rng(3).integers(0, 256, (7, 11, 3), dtype=np.uint8)


def _opened(path):
    picture = open_image(path)
    assert picture.mode == "RGB"
    return np.asarray(picture)


def _marked(path):
    mask = open_mask(path)
    assert mask.mode == "L"
    assert set(np.unique(mask)) <= {0, 255}
    return np.asarray(mask) > 0


def _grey_as_rgb(grey):
    return np.repeat(grey[..., None], 3, axis=2)


@pytest.mark.parametrize("suffix", ["bmp", "png", "ppm", "tif", "webp"])
def test_colours_come_out_as_they_were_stored(tmp_path, pixels, suffix):
    Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", lossless=True)
    np.testing.assert_array_equal(_opened(tmp_path / f"a.{suffix}"), pixels)


def test_jpeg_comes_out_nearly_as_it_was_stored(tmp_path):
    ramp = np.broadcast_to(np.linspace(0, 255, 64, dtype=np.uint8)[:, None, None], (64, 64, 3))
    Image.fromarray(ramp.copy()).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(_opened(tmp_path / "a.jpg").astype(int) - ramp).max() <= 3


def test_grey_is_repeated_in_three_channels(tmp_path, pixels):
    Image.fromarray(pixels[..., 0]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(_opened(tmp_path / "a.png"), _grey_as_rgb(pixels[..., 0]))


def test_one_bit_is_black_and_white(tmp_path, pixels):
    bits = pixels[..., 0] > 127
    Image.fromarray(bits).save(tmp_path / "a.png")
    np.testing.assert_array_equal(_opened(tmp_path / "a.png"), _grey_as_rgb(bits * np.uint8(255)))


@pytest.mark.parametrize("transparency", [None, 1, bytes([255, 128, 0])])
def test_a_palette_is_looked_up_without_a_warning(tmp_path, pixels, transparency):
    indices = pixels[..., 0] % 3
    palette = np.array([[9, 8, 7], [200, 100, 0], [0, 50, 250]], dtype=np.uint8)
    picture = Image.fromarray(indices)
    picture.putpalette(palette.tobytes())
    picture.save(tmp_path / "a.png", **({} if transparency is None else {"transparency": transparency}))
    np.testing.assert_array_equal(_opened(tmp_path / "a.png"), palette[indices])


def test_transparency_is_dropped(tmp_path, pixels):
    alpha = pixels[..., :1] // 2
    Image.fromarray(np.concatenate([pixels, alpha], axis=2)).save(tmp_path / "colour.png")
    Image.fromarray(np.concatenate([pixels[..., :1], alpha], axis=2)).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(_opened(tmp_path / "colour.png"), pixels)
    np.testing.assert_array_equal(_opened(tmp_path / "grey.png"), _grey_as_rgb(pixels[..., 0]))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(tmp_path, suffix):
    deep = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(deep).save(tmp_path / f"a.{suffix}")
    expected = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(_opened(tmp_path / f"a.{suffix}"), _grey_as_rgb(expected))


def test_float_grey_from_0_to_1_is_scaled(tmp_path):
    Image.fromarray(np.array([[0, 0.2, 1]], dtype=np.float32)).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(_opened(tmp_path / "a.tif")[0, :, 0], [0, 51, 255])


@pytest.mark.parametrize("value", [-1.0, 1.5, np.nan])
def test_float_grey_beyond_0_to_1_is_refused(tmp_path, value):
    Image.fromarray(np.array([[0.5, value]], dtype=np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(BadImage, match=r'"\S+a.tif" \(mode F\) has values from .*; expected 0 to 1.'):
        open_image(tmp_path / "a.tif")


def test_32_bit_grey_beyond_16_bits_is_refused(tmp_path):
    Image.fromarray(np.array([[0, 70000]], dtype=np.int32)).save(tmp_path / "a.tif")
    with pytest.raises(BadImage, match="from 0 to 70000; expected 0 to 65535"):
        open_image(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_becomes_rgb(tmp_path, suffix):
    inks = np.zeros((16, 32, 4), dtype=np.uint8)
    inks[:, 16:, 1:3] = 255  # magenta and yellow are red; no ink is white
    Image.fromarray(inks, mode="CMYK").save(tmp_path / f"a.{suffix}", quality=95)
    colours = _opened(tmp_path / f"a.{suffix}").astype(int)
    np.testing.assert_allclose(colours[:, :12], 255, atol=6)
    np.testing.assert_allclose(colours[:, 20:], np.broadcast_to([255, 0, 0], (16, 12, 3)), atol=6)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", TURNED)
def test_exif_orientation_is_applied(tmp_path, pixels, suffix, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", exif=exif, lossless=True)
    np.testing.assert_array_equal(_opened(tmp_path / f"a.{suffix}"), TURNED[orientation](pixels))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("orientation", TURNED)
def test_exif_orientation_is_applied_to_grey_tiff_images_and_masks(tmp_path, pixels, orientation, kind):
    exif = Image.Exif()
    exif[274] = orientation
    grey = np.where(pixels[..., 0] > 127, pixels[..., 0], 0).astype(kind) * (np.iinfo(kind).max // 255)
    Image.fromarray(grey).save(tmp_path / "a.tif", exif=exif)
    turned = TURNED[orientation](grey)
    expected = _grey_as_rgb((turned // (np.iinfo(kind).max // 255)).astype(np.uint8))
    np.testing.assert_array_equal(_opened(tmp_path / "a.tif"), expected)
    np.testing.assert_array_equal(_marked(tmp_path / "a.tif"), turned > 0)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadImage, match=r'^"\S+gone.png" does not exist.$'):
        open_image(tmp_path / "gone.png")


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(BadImage, match="cannot be decoded: .*directory"):
        open_image(tmp_path / "a.png")


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_image_is_refused_with_its_size(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    for opens in (open_image, open_mask):
        with pytest.raises(BadImage, match=rf'"\S+a.png" \({len(content)} bytes\) is not an image'):
            opens(path)


@pytest.mark.parametrize("suffix", ["bmp", "jpg", "png", "tif", "webp"])
def test_a_truncated_image_is_refused(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadImage, match=rf'"\S+a.{suffix}" (cannot be decoded|\(\d+ bytes\) is not an image)'):
        open_image(path)


def test_an_image_that_would_fill_the_memory_is_refused(tmp_path):
    header = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 54, 0, 0, 54, 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0)
    (tmp_path / "a.bmp").write_bytes(header)
    with pytest.raises(BadImage, match="60000 x 60000 pixels; at most 178956970 are decoded"):
        open_image(tmp_path / "a.bmp")


@pytest.mark.parametrize("kind", [bool, np.uint8, np.uint16, np.int32, np.float32])
def test_a_mask_is_true_above_0_whatever_its_depth(tmp_path, kind):
    expected = np.random.default_rng(1).random((6, 9)) > 0.5
    Image.fromarray(expected.astype(kind)).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(_marked(tmp_path / "a.tif"), expected)


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_colour_mask_is_true_where_any_channel_is_above_0(tmp_path, channel):
    expected = np.random.default_rng(1).random((6, 9)) > 0.5
    colour = np.zeros((6, 9, 3), dtype=np.uint8)
    colour[..., channel] = expected * 7
    Image.fromarray(colour).save(tmp_path / "a.png")
    np.testing.assert_array_equal(_marked(tmp_path / "a.png"), expected)


@pytest.mark.parametrize("alpha", [0, 255])
def test_the_alpha_of_a_mask_does_not_count(tmp_path, alpha):
    expected = np.random.default_rng(1).random((6, 9)) > 0.5
    channels = np.zeros((6, 9, 4), dtype=np.uint8)
    channels[..., :3] = expected[..., None] * 255
    channels[..., 3] = alpha
    Image.fromarray(channels).save(tmp_path / "colour.png")
    Image.fromarray(np.ascontiguousarray(channels[..., 2:])).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(_marked(tmp_path / "colour.png"), expected)
    np.testing.assert_array_equal(_marked(tmp_path / "grey.png"), expected)


@pytest.mark.parametrize("transparency", [{}, {"transparency": 0}, {"transparency": bytes([0, 255, 255])}])
def test_a_palette_mask_is_true_where_its_index_is_above_0(tmp_path, transparency):
    indices = np.random.default_rng(1).integers(0, 3, (6, 9), dtype=np.uint8)
    mask = Image.fromarray(indices)
    mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])  # as in Pascal VOC
    mask.save(tmp_path / "a.png", **transparency)
    np.testing.assert_array_equal(_marked(tmp_path / "a.png"), indices > 0)


@pytest.mark.parametrize("palette", [[255, 255, 255, 0, 0, 0], [120, 120, 120, 6, 230, 230]])
def test_a_palette_mask_whose_colours_contradict_its_indices_is_refused(tmp_path, palette):
    mask = Image.fromarray(np.array([[0, 1]], dtype=np.uint8))
    mask.putpalette(palette)
    mask.save(tmp_path / "a.png")
    with pytest.raises(BadImage, match="palette index 0 is not black"):
        open_mask(tmp_path / "a.png")


def test_resize_and_crop_keep_rows_16_to_239(pixels):
    picture = Image.fromarray(np.random.default_rng(5).integers(0, 256, (256, 256, 3), dtype=np.uint8))
    image = Preprocessing().image(picture)
    assert image.dtype == torch.float32 and image.is_contiguous()
    expected = np.asarray(picture, dtype=np.float32)[16:240, 16:240].transpose(2, 0, 1) / 255
    np.testing.assert_array_equal(image.numpy(), expected)


def _enlarged(row, size):
    """Cubic convolution (Keys 1981): a spline whose slopes are central differences, a = -0.5 as in PIL."""
    padded = np.pad(row.astype(float), 3, mode="edge")
    spline = CubicHermiteSpline(np.arange(len(padded)) - 3, padded, np.gradient(padded))
    return spline((np.arange(size) + 0.5) * len(row) / size - 0.5)


def test_resizing_is_bicubic():
    grey = np.random.default_rng(5).integers(64, 192, (8, 8), dtype=np.uint8)
    columns = np.stack([_enlarged(row, 32) for row in grey])
    expected = np.stack([_enlarged(column, 32) for column in columns.T], axis=1)
    image = Preprocessing(resize=32, crop=16).image(Image.fromarray(grey).convert("RGB"))
    inner = slice(8, 24)  # PIL treats what is beyond the border otherwise
    np.testing.assert_allclose(image[0].numpy() * 255, expected[inner, inner], atol=1.01)


@pytest.mark.parametrize(("size", "resize"), [((20, 30), (50, 41)), ((60, 90), (13, 50)), ((64, 64), 380)])
def test_bilinear_resizing_without_a_filter_is_that_of_the_four_nearest_pixels(generator, size, resize):
    """As torch has it without antialiasing, which has the rules of OpenCV's INTER_LINEAR."""
    pixels = torch.randint(0, 256, (*size, 3), generator=generator, dtype=torch.uint8)
    picture = Image.fromarray(pixels.numpy())
    found = Preprocessing(resize, None, interpolation="bilinear_unfiltered").pixels(picture)
    sides = (resize, resize) if isinstance(resize, int) else resize
    planes = pixels.permute(2, 0, 1)[None].double()
    expected = interpolate(planes, sides, mode="bilinear", align_corners=False)[0].permute(1, 2, 0)
    np.testing.assert_allclose(found, expected, atol=0.51)


def test_bilinear_resizing_has_a_filter_that_grows_as_images_shrink(generator):
    pixels = torch.randint(0, 256, (60, 90, 3), generator=generator, dtype=torch.uint8)
    found = Preprocessing((20, 45), None, interpolation="bilinear").pixels(Image.fromarray(pixels.numpy()))
    planes = pixels.permute(2, 0, 1)[None].double()
    expected = interpolate(planes, (20, 45), mode="bilinear", align_corners=False, antialias=True)[0]
    np.testing.assert_allclose(found, expected.permute(1, 2, 0), atol=1.01)


def test_resizing_does_not_keep_the_aspect_ratio():
    image = Preprocessing(resize=20, crop=20).image(Image.new("RGB", (40, 10), "red"))
    assert image.shape == (3, 20, 20)
    assert (image[0] == 1).all() and (image[1:] == 0).all()


def test_a_mask_is_resized_to_its_nearest_pixels_and_cropped():
    mask = np.random.default_rng(5).random((64, 64)) > 0.5
    half = Preprocessing(resize=32, crop=28).mask(Image.fromarray(mask))
    np.testing.assert_array_equal(half.numpy(), mask[1::2, 1::2][2:30, 2:30])
    double = Preprocessing(resize=128, crop=128).mask(Image.fromarray(mask))
    np.testing.assert_array_equal(double.numpy(), mask.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize(("resize", "crop"), [(224, 256), (256, 0)])
def test_a_crop_that_is_empty_or_larger_than_the_image_is_refused(resize, crop):
    with pytest.raises(BadArgument, match=f"got crop {crop} and resize {resize}"):
        Preprocessing(resize=resize, crop=crop)


def test_masks_are_resized_by_nearest_neighbour_and_cropped_in_the_middle(tmp_path):
    random = np.random.default_rng(3)
    mask = Image.fromarray((random.random((37, 53)) > 0.5).astype(np.uint8) * 255)
    mask.save(tmp_path / "mask.png")
    found = Preprocessing(resize=90, crop=64).mask(open_mask(tmp_path / "mask.png"))
    rows = ((np.arange(90) + 0.5) * 37 / 90).astype(int)[13:77]
    columns = ((np.arange(90) + 0.5) * 53 / 90).astype(int)[13:77]
    np.testing.assert_array_equal(found, (np.asarray(mask) > 0)[rows][:, columns])
