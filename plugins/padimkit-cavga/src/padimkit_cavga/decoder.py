"""The decoder, a residual network from latent maps to images, and the discriminator of its images."""

from itertools import pairwise
from typing import final

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

_SLOPE = 0.2  # of leaky rectifiers (Radford et al. 2016)
_HALVINGS = 4


@final
class Decoder(nn.Module):
    """A residual block after each doubling, by nearest upsampling."""

    def __init__(self, *, channels: int, width: int, stages: int, latent_channels: int) -> None:
        super().__init__()
        factors = [2.0**power for power in range(stages - 1, -3, -1)]
        widths = [max(1, int(width * factor)) for factor in factors]
        self.entry = nn.Conv2d(latent_channels, widths[0], 1)
        self.blocks = nn.ModuleList(_Doubling(before, after) for before, after in pairwise(widths))
        self.exit = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, latent: Float[Tensor, "b l h w"], size: tuple[int, int]) -> Float[Tensor, "b c H W"]:
        """Return images of a height and width."""
        maps = self.entry(latent)
        for halvings, block in zip(range(len(self.blocks) - 1, -1, -1), self.blocks, strict=True):
            maps = block(maps, (_halved(size[0], halvings), _halved(size[1], halvings)))
        return self.exit(maps)  # type: ignore[no-any-return]


@final
class Discriminator(nn.Module):
    """How real each region of an image looks, as logits, averaged over the image."""

    def __init__(self, *, channels: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.LeakyReLU(_SLOPE)]
        for step in range(_HALVINGS - 1):
            before = width * 2**step
            convolution = nn.Conv2d(before, 2 * before, 3, stride=2, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(2 * before), nn.LeakyReLU(_SLOPE)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width * 2 ** (_HALVINGS - 1), 1, 1))

    def forward(self, images: Float[Tensor, "b c H W"]) -> Float[Tensor, " b"]:
        """Return a logit for each image."""
        return self.layers(images).mean((1, 2, 3))  # type: ignore[no-any-return]


class _Doubling(nn.Module):
    """A residual block that comes to a given size, of about twice its own."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after))
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, padding=1, bias=False), nn.BatchNorm2d(after))
        self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after))

    def forward(self, maps: Float[Tensor, "b k h w"], size: tuple[int, int]) -> Float[Tensor, "b l H W"]:
        """Return the maps at the given height and width."""
        enlarged = self.second(F.interpolate(self.first(maps).relu(), size))
        return (enlarged + F.interpolate(self.shortcut(maps), size)).relu()  # type: ignore[no-any-return]


def _halved(size: int, times: int) -> int:
    """Return what strides of 2 leave of a size: each rounds up."""
    return -(-size // (1 << times))
