"""The encoder, the first stages of ResNet18, with the names of their published weights."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock


@final
class Encoder(nn.Module):
    """A network from images to the maps of its last stage (He et al. 2016, table 1), at any width."""

    def __init__(self, *, channels: int, width: int, stages: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(BasicBlock(width, width), BasicBlock(width, width))
        for stage in range(2, stages + 1):
            self.add_module(f"layer{stage}", _halving(width * 2 ** (stage - 2)))
        self.width = width * 2 ** (stages - 1)
        self._stages = stages

    def forward(self, images: Float[Tensor, "b c H W"]) -> Float[Tensor, "b k h w"]:
        """Return the maps."""
        maps = self.bn1(self.conv1(images)).relu()
        maps = nn.functional.max_pool2d(maps, 3, stride=2, padding=1)
        for stage in range(1, self._stages + 1):
            maps = self.get_submodule(f"layer{stage}")(maps)
        return maps  # type: ignore[no-any-return]


def _halving(width: int) -> nn.Module:
    """Return a stage that halves the size and doubles the channels."""
    shortcut = nn.Sequential(nn.Conv2d(width, 2 * width, 1, stride=2, bias=False), nn.BatchNorm2d(2 * width))
    first = BasicBlock(width, 2 * width, stride=2, downsample=shortcut)
    return nn.Sequential(first, BasicBlock(2 * width, 2 * width))
