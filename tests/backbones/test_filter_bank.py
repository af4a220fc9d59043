import math

import numpy as np
import torch
from pytest import approx, mark, raises
from scipy import ndimage

from padimkit.backbones.filter_bank import FilterBank
from padimkit.errors import BadArgument, BadShape

COLOURS = {"luminance": (1 / 3, 1 / 3, 1 / 3), "red-green": (1, -1, 0), "blue-yellow": (-1 / 2, -1 / 2, 1)}
GAIN = 50


def wave(angle, *, amplitude=0.2, length=10.0, side=160):
    """A grey picture of parallel stripes that vary along the angle."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    along = math.cos(angle) * x + math.sin(angle) * y
    return (0.5 + amplitude * torch.sin(2 * math.pi * along / length)).expand(1, 3, side, side)


def energies(map_, orientations=6):
    """Channels by colour and orientation."""
    return map_[:, : 3 * orientations].unflatten(1, (3, orientations))


def passed_by_halving(angle, *, length=10.0):
    """The part of a wave's amplitude that the binomial filter lets through."""
    frequencies = (2 * math.pi / length * math.cos(angle), 2 * math.pi / length * math.sin(angle))
    return math.prod((6 + 8 * math.cos(f) + 2 * math.cos(2 * f)) / 16 for f in frequencies)


def halved(image):
    for axis in (0, 1):
        image = ndimage.convolve1d(image, np.array([1, 4, 6, 4, 1]) / 16, axis=axis, mode="mirror")
    return image[::2, ::2]


def reference_amplitude(image, angle):
    y, x = np.mgrid[-4:5, -4:5].astype(float)
    window = np.exp(-(x**2 + y**2) / (2 * 2.0**2))
    phase = 2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / 5
    responses = []
    for carrier in (np.cos(phase), np.sin(phase)):
        kernel = window * carrier
        kernel -= window * kernel.sum() / window.sum()
        kernel /= (kernel * carrier).sum()
        responses.append(ndimage.correlate(image, kernel, mode="mirror"))
    return np.hypot(*responses)


def pooled(image):
    height, width = image.shape
    return image.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


@mark.parametrize(("colour", "orientation", "scale"), [(0, 0, 1), (1, 2, 1), (2, 5, 2), (0, 4, 3)])
def test_channels_are_those_of_a_plain_convolution(generator, colour, orientation, scale):
    picture = torch.rand(1, 3, 96, 64, generator=generator)
    weights = list(COLOURS.values())[colour]
    image = sum(weight * plane for weight, plane in zip(weights, picture[0].double().numpy(), strict=True))
    for _ in range(scale):
        image = halved(image)
    map_ = FilterBank().extract(picture).maps[f"scale{scale}"][0].double().numpy()
    expected = GAIN * pooled(reference_amplitude(image, math.pi * orientation / 6))
    np.testing.assert_allclose(map_[6 * colour + orientation], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(map_[18 + colour], GAIN * pooled(image), rtol=1e-4, atol=1e-4)


def test_layers_have_strides_4_8_and_16():
    maps = FilterBank().extract(torch.rand(2, 3, 224, 160)).maps
    assert {name: tuple(map_.shape) for name, map_ in maps.items()} == {
        "scale1": (2, 21, 56, 40),
        "scale2": (2, 21, 28, 20),
        "scale3": (2, 21, 14, 10),
    }


@mark.parametrize(("scales", "orientations"), [(1, 1), (2, 4), (4, 8)])
def test_arguments_set_the_number_of_layers_and_channels(scales, orientations):
    maps = FilterBank(scales=scales, orientations=orientations).extract(torch.rand(1, 3, 97, 130)).maps
    assert list(maps) == [f"scale{index + 1}" for index in range(scales)]
    assert {map_.shape[1] for map_ in maps.values()} == {3 * orientations + 3}


@mark.parametrize("orientation", range(6))
def test_a_wave_excites_its_own_orientation_most_and_by_its_amplitude(orientation):
    maps = FilterBank().extract(wave(math.pi * orientation / 6)).maps
    inside = energies(maps["scale1"])[0, 0, :, 10:-10, 10:-10].mean(dim=(1, 2))
    assert inside.argmax() == orientation
    assert inside[orientation] == approx(GAIN * 0.2 * passed_by_halving(math.pi * orientation / 6), rel=0.01)
    assert inside[orientation] > 3 * inside[(orientation + 3) % 6]


def test_coarser_waves_excite_coarser_scales():
    for scale, length in enumerate((10.0, 20.0, 40.0)):
        maps = FilterBank().extract(wave(0.0, length=length)).maps
        strength = [energies(map_)[0, 0, 0].mean() for map_ in maps.values()]
        assert max(range(3), key=strength.__getitem__) == scale


def test_grey_pictures_have_no_opponent_colour():
    map_ = FilterBank().extract(wave(0.3)).maps["scale1"]
    assert energies(map_)[:, 1:].abs().max() == 0
    assert map_[:, -2:].abs().max() == 0
    assert map_[:, -3].mean() == approx(GAIN * 0.5, rel=0.01)


@mark.parametrize(("colour", "positive"), [((1, 0, 0), -2), ((0, 0, 1), -1)])
def test_red_and_blue_are_the_positive_ends_of_the_opponent_colours(colour, positive):
    picture = torch.tensor(colour, dtype=torch.float32)[:, None, None].expand(1, 3, 64, 64)
    map_ = FilterBank().extract(picture).maps["scale1"]
    assert map_[:, positive].mean() == approx(GAIN)
    assert energies(map_).max() < 1e-3  # a plain surface has no waves


def test_the_same_picture_gives_the_same_features(generator):
    picture = torch.rand(2, 3, 64, 64, generator=generator)
    first, second = (FilterBank().extract(picture).maps for _ in range(2))
    for name, map_ in first.items():
        assert torch.equal(map_, second[name])


def test_the_smallest_picture_is_accepted_and_a_smaller_one_refused():
    for scales, smallest in ((1, 9), (3, 33)):
        bank = FilterBank(scales=scales)
        assert len(bank.extract(torch.rand(1, 3, smallest, smallest + 5)).maps) == scales
        with raises(BadShape, match=f"at least {smallest} x {smallest} pixels, got {smallest - 1} x 99"):
            bank.extract(torch.rand(1, 3, smallest - 1, 99))


@mark.parametrize("arguments", [{"scales": 0}, {"orientations": 0}])
def test_no_scale_and_no_orientation_are_refused(arguments):
    with raises(BadArgument, match=f'"{next(iter(arguments))}" of at least 1, got 0'):
        FilterBank(**arguments)


def test_the_descriptor_holds_the_means_of_all_layers(generator):
    features = FilterBank(scales=2, orientations=3).extract(torch.rand(2, 3, 40, 48, generator=generator))
    expected = np.concatenate([map.double().numpy().mean((2, 3)) for map in features.maps.values()], axis=1)
    np.testing.assert_allclose(features.descriptor, expected, rtol=1e-5, atol=1e-5)
