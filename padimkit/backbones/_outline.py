"""What can be said about a timm model before it has any numbers."""

from typing import Any, final

import torch

from padimkit.backbones._layers import Layers
from padimkit.backbones._model import create_model


@final
class Outline:
    """The layers of a model and what timm publishes about it.

    Raises:
        BadArgument: timm has no model of this name.
    """

    def __init__(self, model: str) -> None:
        network = _without_numbers(model)
        stages = _told_apart([info["module"] for info in getattr(network, "feature_info", None) or []])
        self.layers = Layers(model, [name for name, _ in network.named_modules() if name], stages)
        self.keys = list(network.state_dict())
        self.published: dict[str, Any] = network.pretrained_cfg


def _without_numbers(model: str) -> Any:
    try:
        with torch.device("meta"):
            return create_model(model)
    except RuntimeError:  # older versions of timm read numbers while they build some models
        return create_model(model)


def _told_apart(stages: list[str]) -> list[str]:
    """CoaT's last three levels, for one, come out of the same module."""
    return [name if stages.count(name) == 1 else f"{name}:{index}" for index, name in enumerate(stages)]
