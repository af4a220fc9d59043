"""Two ways to the feature maps of a timm model, both of which end at the last one."""

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Any, final

from timm.models import FeatureHookNet
from timm.models.efficientnet import EfficientNetFeatures
from timm.models.mobilenetv3 import MobileNetV3Features
from torch import Tensor, nn


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
        maps = [_channels_first(output, self.network) for output in self.network(images)]
        return dict(zip(self.names, maps, strict=True))


@final
class Tapped(nn.Module):
    """A whole model that is left as soon as all the named modules have been computed."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.names = frozenset(names)
        self.tapped: dict[str, Tensor] = {}
        for name in self.names:
            network.get_submodule(name).register_forward_hook(partial(self._tap, name))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        with contextlib.suppress(_AllTapped):
            self.network(images)
        tapped, self.tapped = self.tapped, {}
        return tapped

    def _tap(self, name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple | list) else output  # as timm's FeatureHooks do
        # Copied, since the next module may work in place.
        self.tapped.setdefault(name, _channels_first(first, self.network).clone())
        if self.tapped.keys() == self.names:
            raise _AllTapped


class _AllTapped(Exception):
    """Nothing more has to be computed."""


def _channels_first(output: Tensor, network: nn.Module) -> Tensor:
    if output.ndim == 4 and getattr(network, "output_fmt", "NCHW") == "NHWC":
        return output.permute(0, 3, 1, 2)
    return output
