"""What can be said about a timm model before it has any numbers."""

import difflib
from typing import Any, final

import torch

from padimkit.backbones._model import create_model
from padimkit.errors import BadArgument


@final
class Outline:
    """The modules of a model and what timm publishes about it.

    Raises:
        BadArgument: timm has no model of this name.
    """

    def __init__(self, model: str) -> None:
        network = _without_numbers(model)
        self.model = model
        self.stages = _told_apart([info["module"] for info in getattr(network, "feature_info", None) or []])
        self.modules = [name for name, _ in network.named_modules() if name]
        self.keys = list(network.state_dict())
        self.published: dict[str, Any] = network.pretrained_cfg

    def module(self, layer: str | int, option: str) -> str:
        """The name of a layer that is given by its name or by its index among timm's features.

        Raises:
            BadArgument: The model has no such layer; the message names the option and lists the layers.
        """
        if isinstance(layer, str) and layer in {*self.stages, *self.modules}:
            return layer
        if isinstance(layer, int) and 0 <= layer < len(self.stages) and self.stages[layer]:
            return self.stages[layer]
        raise BadArgument(
            f'"{self.model}" has no layer {_quoted(layer)} ("{option}").{self._choice(str(layer))}'
        )

    def _choice(self, asked: str) -> str:
        near = difflib.get_close_matches(asked, {*self.stages, *self.modules}, n=3)
        meant = f" Did you mean {', '.join(map(_quoted, sorted(near)))}?" if near else ""
        children = [name for name in self.modules if "." not in name]
        listed = ", ".join(f"{index} {_quoted(name)}" for index, name in enumerate(self.stages))
        stages = f" Its feature levels are {listed}." if self.stages else ""
        modules = ", ".join(map(_quoted, children))
        return f"{meant}{stages} Any module that gives a map will do: {modules}, or one inside them."


def _without_numbers(model: str) -> Any:
    try:
        with torch.device("meta"):
            return create_model(model)
    except RuntimeError:  # older versions of timm read numbers while they build some models
        return create_model(model)


def _told_apart(stages: list[str]) -> list[str]:
    """CoaT's last three levels, for one, come out of the same module."""
    return [name if stages.count(name) == 1 else f"{name}:{index}" for index, name in enumerate(stages)]


def _quoted(name: str | int) -> str:
    return f'"{name}"' if isinstance(name, str) else str(name)
