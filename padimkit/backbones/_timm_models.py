"""The models of timm by name, always with the same initial weights, and with an error for unknown ones."""

import difflib
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, final

import timm
import torch
from timm.models import FeatureHookNet
from timm.models.efficientnet import EfficientNetFeatures
from timm.models.mobilenetv3 import MobileNetV3Features
from torch import Tensor, nn

from padimkit.backbones._construction import made_alike
from padimkit.backbones._hooks import Tapped
from padimkit.backbones._layer_names import Layers
from padimkit.errors import BadArgument


def create_model(model: str, **options: Any) -> nn.Module:
    """Return a model of timm, always with the same initial weights.

    Raises:
        BadArgument: timm does not have a model of this name.
    """
    _refuse_unknown(model)
    return made_alike(partial(timm.create_model, model, **options))


def _refuse_unknown(model: str) -> None:
    deprecated = "." not in model and timm.is_model(model)
    if deprecated or timm.is_model_pretrained(model):  # to list all takes 25 ms
        return
    known = [*timm.list_models(), *timm.list_models(pretrained=True)]
    if model not in known:
        near = ", ".join(f'"{name}"' for name in difflib.get_close_matches(model, known, n=5))
        meant = f" Did you mean {near}?" if near else ""
        raise BadArgument(f'timm has no model "{model}".{meant} timm.list_models() lists all.')


@cache
def outline_of(model: str) -> "Outline":
    """Return the outline of a model, which is made once: that takes 0.1 s.

    Raises:
        BadArgument: timm does not have a model of this name.
    """
    return Outline(model)


@final
class Outline:
    """The layers and tensors of a model, and the facts that timm publishes about it."""

    def __init__(self, model: str) -> None:
        network = _without_numbers(model)
        stages = _told_apart([info["module"] for info in getattr(network, "feature_info", None) or []])
        self.layers = Layers(model, [name for name, _ in network.named_modules() if name], stages)
        self.shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
        self.keys = list(self.shapes)
        self.published: dict[str, Any] = network.pretrained_cfg
        self._met: dict[tuple[str, ...], tuple[str, ...]] = {}

    def once(self, layers: tuple[str, ...], find: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        """Return the tensors that an image meets on its way to these layers, found once: it takes 0.05 s."""
        if layers not in self._met:
            self._met[layers] = find()
        return self._met[layers]


def _without_numbers(model: str) -> Any:
    try:
        with torch.device("meta"):
            return create_model(model)
    except RuntimeError:  # older versions of timm read values while they build some models
        return create_model(model)


def _told_apart(stages: list[str]) -> list[str]:
    """Return the modules, numbered if several levels share one, such as the last three of CoaT."""
    return [name if stages.count(name) == 1 else f"{name}:{index}" for index, name in enumerate(stages)]


def extractor(outline: Outline, names: Sequence[str]) -> nn.Module:
    """Return a network that gives the maps of the named layers by name."""
    model, stages = outline.layers.model, outline.layers.stages
    if set(names) <= set(stages):
        indices = sorted({stages.index(name) for name in names})
        network = create_model(model, features_only=True, out_indices=indices)
        if FeaturesOnly.ends_early(network):
            return FeaturesOnly(network, [stages[index] for index in indices])
    network = create_model(model)
    return Tapped(network, names, partial(_channels_first, last=_channels_come_last(network)))


def published_keys(outline: Outline) -> dict[str, str]:
    """Return the tensors' names in timm's feature extractors -> their names in timm's weight files."""
    wrapped = {f"model.{key}": key for key in outline.keys}
    flattened = {key.replace(".", "_", 1): key for key in outline.keys}
    return wrapped | flattened | {key: key for key in outline.keys}


@final
class FeaturesOnly(nn.Module):
    """timm's own feature extractor of a model (`features_only`), which turns tokens into maps."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.names = names

    @staticmethod
    def ends_early(network: nn.Module) -> bool:
        """Return whether timm's extractor stops after the last map; three kinds compute the rest as well."""
        return not isinstance(network, FeatureHookNet | EfficientNetFeatures | MobileNetV3Features)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        last = _channels_come_last(self.network)
        maps = [_channels_first("", output, images.shape[2:], last=last) for output in self.network(images)]
        return dict(zip(self.names, maps, strict=True))


def _channels_come_last(network: nn.Module) -> bool:
    return getattr(network, "output_fmt", "NCHW") == "NHWC"


def _channels_first(_name: str, output: Tensor, _size: torch.Size, *, last: bool) -> Tensor:
    return output.permute(0, 3, 1, 2) if last and output.ndim == 4 else output
