"""Features without learning, oriented energy and mean colour, for use without pretrained weights."""

import math
from collections.abc import Callable
from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from padimkit.arguments import require_whole
from padimkit.contracts import Backbone, Exportable
from padimkit.errors import BadShape
from padimkit.moments.averages import averages, traceable_averages
from padimkit.values import Features

_MOST_SCALES = 16  # halve an image of 65536 pixels to one
_MOST_ORIENTATIONS = 360

# Luminance, red against green, blue against yellow; the last two are 0 for grey.
OPPONENT_COLOURS = ((1 / 3, 1 / 3, 1 / 3), (1.0, -1.0, 0.0), (-0.5, -0.5, 1.0))
WAVELENGTH = 5.0  # of the filters, in pixels of the image at the half, quarter, ... of its size
WIDTH = 2.0  # standard deviation of their Gaussian window
REACH = 4  # pixels on each side of the centre: 9 x 9, two standard deviations
BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
# Contrasts vary by about 0.01 between normal images. PaDiM adds 0.01 to variances of these features,
# and with this gain they are about 0.2: that damps constant features and hardly changes others.
GAIN = 50.0


@final
class FilterBank(Backbone, Exportable):
    """Energy in quadrature pairs of Gabor filters, and mean colour, at several scales of an image pyramid.

    The layers "scale1", "scale2", ... have strides 4, 8, ... For each of three opponent colours they hold
    the local amplitude at each orientation (of waves of 10, 20, ... pixels) and the local mean. An image's
    descriptor holds the means of all layers.

    Args:
        scales: Layers, each at half the resolution of the one before.
        orientations: Directions per scale, evenly spread; each adds 3 channels.

    Raises:
        BadArgument: `scales` is not from 1 to 16, or `orientations` not from 1 to 360.
    """

    def __init__(self, scales: int = 3, orientations: int = 6) -> None:
        require_whole("scales", scales, 1, _MOST_SCALES)
        require_whole("orientations", orientations, 1, _MOST_ORIENTATIONS)
        self.scales = scales
        self.orientations = orientations
        self._colours = torch.tensor(OPPONENT_COLOURS)
        self._binomial = torch.tensor(BINOMIAL)
        self._filters = _gabor_pairs(orientations)

    def extract(self, images: Float[Tensor, "b 3 H W"]) -> Features:
        maps = self._maps(images)
        return Features(maps, torch.cat([averages(layer) for layer in maps.values()], dim=1))

    def traceable(self) -> Callable[[Tensor], Features]:
        def features(images: Float[Tensor, "b 3 H W"]) -> Features:
            maps = self._maps(images)
            return Features(maps, torch.cat([traceable_averages(layer) for layer in maps.values()], dim=1))

        return features

    def _maps(self, images: Float[Tensor, "b 3 H W"]) -> dict[str, Float[Tensor, "b _ _ _"]]:
        self._refuse_small(images)
        maps = {}
        with torch.no_grad():
            image = torch.einsum("oc,bchw->bohw", self._colours, images.to(self._colours.device))
            for scale in range(1, self.scales + 1):
                image = self._half(image)
                maps[f"scale{scale}"] = GAIN * _pooled(torch.cat([self._amplitude(image), image], dim=1))
        return maps

    def to(self, device: torch.device) -> None:
        self._colours = self._colours.to(device)
        self._binomial = self._binomial.to(device)
        self._filters = self._filters.to(device)

    def _refuse_small(self, images: Tensor) -> None:
        smallest = REACH * 2**self.scales + 1  # the coarsest image must be larger than its mirrored margin
        if min(images.shape[2:]) < smallest:
            size = " x ".join(map(str, images.shape[2:]))
            raise BadShape(
                f"{self.scales} scales need images of at least {smallest} x {smallest} pixels, got {size}."
            )

    def _half(self, image: Float[Tensor, "b o h w"]) -> Float[Tensor, "b o _ _"]:
        colours, reach = image.shape[1], len(self._binomial) // 2
        kernel = self._binomial.expand(colours, 1, 1, -1)
        image = F.pad(image, (reach,) * 4, mode="reflect")
        image = F.conv2d(image, kernel, stride=(1, 2), groups=colours)
        return F.conv2d(image, kernel.transpose(2, 3), stride=(2, 1), groups=colours)

    def _amplitude(self, image: Float[Tensor, "b o h w"]) -> Float[Tensor, "b _ h w"]:
        """Return the amplitude of the waves, colour by colour, orientation by orientation."""
        mirrored = F.pad(image.flatten(0, 1)[:, None], (REACH,) * 4, mode="reflect")
        even, odd = F.conv2d(mirrored, self._filters).chunk(2, dim=1)
        amplitude = torch.sqrt(even.square() + odd.square())
        return amplitude.reshape(image.shape[0], -1, *image.shape[2:])


def _gabor_pairs(orientations: int) -> Float[Tensor, "_ 1 _ _"]:
    """Return all even filters, then all odd ones; a matching wave gives its own amplitude.

    Orientation k varies along the angle k * 180 degrees / orientations from x towards y (downwards).
    """
    offsets = torch.arange(-REACH, REACH + 1, dtype=torch.float64)
    y, x = torch.meshgrid(offsets, offsets, indexing="ij")
    window = torch.exp(-(x**2 + y**2) / (2 * WIDTH**2))
    angles = [math.pi * index / orientations for index in range(orientations)]
    phases = [(math.cos(a) * x + math.sin(a) * y) * (2 * math.pi / WAVELENGTH) for a in angles]
    even = [_matched(window, phase.cos()) for phase in phases]
    odd = [_matched(window, phase.sin()) for phase in phases]
    return torch.stack(even + odd)[:, None].float()


def _matched(window: Float[Tensor, "y x"], wave: Float[Tensor, "y x"]) -> Float[Tensor, "y x"]:
    centred = window * (wave - (window * wave).sum() / window.sum())  # a uniform surface must give 0
    return centred / (centred * wave).sum()


def _pooled(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c _ _"]:
    return F.avg_pool2d(image, kernel_size=2, ceil_mode=True)
