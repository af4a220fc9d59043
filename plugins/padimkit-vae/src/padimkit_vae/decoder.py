"""The decoder, a mirror image of the encoder."""

from typing import final

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from padimkit_vae.encoder import Sizes


@final
class Decoder(nn.Module):
    """A network from latent maps to images, through the encoder's sizes, by nearest upsampling.

    Each convolution of the encoder has its counterpart here, with input and output channels exchanged.
    """

    def __init__(self, *, channels: int, width: int, latent_channels: int) -> None:
        super().__init__()
        self.entry = nn.Conv2d(latent_channels, 8 * width, 1)
        self.stages = nn.ModuleList(_Doubling(factor * width) for factor in (8, 4, 2))
        self.last = nn.Sequential(BasicBlock(width, width), BasicBlock(width, width))
        self.exit = nn.Conv2d(width, channels, 7, padding=3)

    def forward(self, latent: Float[Tensor, "b l h w"], sizes: Sizes) -> Float[Tensor, "b c H W"]:
        """Return the images; `sizes` are the sizes of the encoder's maps."""
        maps = self.entry(latent)
        for stage, size in zip(self.stages, sizes[-2:-5:-1], strict=True):
            maps = stage(maps, size)
        # Nearest upsampling in two steps, past the pool and the stem, without a convolution between them.
        stem = F.interpolate(self.last(maps), sizes[1])
        return self.exit(F.interpolate(stem, sizes[0]))  # type: ignore[no-any-return]


class _Doubling(nn.Module):
    """A stage that doubles the size and halves the channels: a halving stage of ResNet18, backwards."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = BasicBlock(width, width)
        self.before = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.after = nn.Sequential(
            nn.Conv2d(width, width // 2, 3, padding=1, bias=False), nn.BatchNorm2d(width // 2)
        )
        self.shortcut = nn.Sequential(nn.Conv2d(width, width // 2, 1, bias=False), nn.BatchNorm2d(width // 2))

    def forward(self, maps: Float[Tensor, "b c _ _"], size: tuple[int, int]) -> Float[Tensor, "b k h w"]:
        """Return the maps at the given height and width."""
        maps = self.block(maps)
        enlarged = self.after(F.interpolate(self.before(maps), size))
        return F.relu(enlarged + F.interpolate(self.shortcut(maps), size))
