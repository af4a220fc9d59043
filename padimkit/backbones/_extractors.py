"""Two ways to the feature maps of a timm model, both of which end at the last one."""

from collections.abc import Sequence
from functools import partial
from typing import final

import torch
from timm.models import FeatureHookNet
from timm.models.efficientnet import EfficientNetFeatures
from timm.models.mobilenetv3 import MobileNetV3Features
from torch import Tensor, nn

from padimkit.backbones._model import create_model
from padimkit.backbones._outline import Outline
from padimkit.backbones._tapped import Tapped


def extractor(outline: Outline, names: Sequence[str]) -> nn.Module:
    """A module that gives the maps of the named layers by their names."""
    model, stages = outline.layers.model, outline.layers.stages
    if set(names) <= set(stages):
        indices = sorted({stages.index(name) for name in names})
        network = create_model(model, features_only=True, out_indices=indices)
        if FeaturesOnly.ends_early(network):
            return FeaturesOnly(network, [stages[index] for index in indices])
    network = create_model(model)
    return Tapped(network, names, partial(_channels_first, last=_channels_come_last(network)))


def published_keys(outline: Outline) -> dict[str, str]:
    """What timm's feature extractors call a tensor -> what timm's weight files call it."""
    wrapped = {f"model.{key}": key for key in outline.keys}
    flattened = {key.replace(".", "_", 1): key for key in outline.keys}
    return wrapped | flattened | {key: key for key in outline.keys}


@final
class FeaturesOnly(nn.Module):
    """What timm itself makes of a model with `features_only`: it turns tokens into maps."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.names = names

    @staticmethod
    def ends_early(network: nn.Module) -> bool:
        """Whether timm's extractor leaves out what follows the last map; these three compute it."""
        return not isinstance(network, FeatureHookNet | EfficientNetFeatures | MobileNetV3Features)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        last = _channels_come_last(self.network)
        maps = [_channels_first("", output, images.shape[2:], last=last) for output in self.network(images)]
        return dict(zip(self.names, maps, strict=True))


def _channels_come_last(network: nn.Module) -> bool:
    return getattr(network, "output_fmt", "NCHW") == "NHWC"


def _channels_first(_name: str, output: Tensor, _size: torch.Size, *, last: bool) -> Tensor:
    return output.permute(0, 3, 1, 2) if last and output.ndim == 4 else output
