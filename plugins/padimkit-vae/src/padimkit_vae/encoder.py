"""The encoder, ResNet18 without its classifier, at any width and for any number of channels."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

Sizes = tuple[tuple[int, int], ...]  # height and width, before each step of downsampling and after the last


@final
class Encoder(nn.Module):
    """A network from images to maps of 8 x `width` channels, 32 times smaller (He et al. 2016, table 1)."""

    def __init__(self, *, channels: int, width: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages = nn.ModuleList(
            [
                nn.Sequential(BasicBlock(width, width), BasicBlock(width, width)),
                *(_halving(factor * width) for factor in (1, 2, 4)),
            ]
        )

    def forward(self, images: Float[Tensor, "b c H W"]) -> tuple[Float[Tensor, "b k h w"], Sizes]:
        """Return the maps, and the sizes on the way to them, which the decoder needs."""
        stem = self.stem(images)
        maps = self.pool(stem)
        tensors = [images, stem, maps]
        for stage in self.stages:
            maps = stage(maps)
            tensors.append(maps)
        del tensors[3]  # the first stage keeps the size
        return maps, tuple((tensor.shape[2], tensor.shape[3]) for tensor in tensors)


def _halving(width: int) -> nn.Module:
    """Return a stage that halves the size and doubles the channels."""
    shortcut = nn.Sequential(nn.Conv2d(width, 2 * width, 1, stride=2, bias=False), nn.BatchNorm2d(2 * width))
    first = BasicBlock(width, 2 * width, stride=2, downsample=shortcut)
    return nn.Sequential(first, BasicBlock(2 * width, 2 * width))
