"""Pretrained convolutional networks and transformers from timm."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.arguments import require_choice
from padimkit.arguments.checked import Checked
from padimkit.backbones._construction import undrawn
from padimkit.backbones._network import Card, Network, met_on_the_way
from padimkit.backbones._timm_models import extractor, outline_of, published_keys
from padimkit.backbones._weights import (
    LOADING,
    download,
    load_into,
    origin_of_file,
    origin_of_hub,
    read,
    read_installed,
    require_file,
    require_installed,
    require_name,
    require_published,
)
from padimkit.contracts import Backbone, Exportable, NeedsWeights, Stateful, TellsWeights
from padimkit.values import Features
from padimkit.weights import INSTALLED

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@final
class Timm(Backbone, Stateful, NeedsWeights, TellsWeights, Exportable):
    """Feature maps of any model of timm, computed only up to the last layer.

    The weights are read at first use. They are stored with a fitted pipeline, which then needs no other file.

    Args:
        model: Name of the model in timm, such as "resnet18.tv_in1k".
        layers: Names of modules ("layer1", "blocks.3"), or indices among timm's feature levels.
        weights: "hub" downloads the pretrained ones; "installed" takes those of an installed package, which
            `padimkit plugins list` shows ("installed:DISTRIBUTION" where several have them); "none" draws
            random ones from a fixed seed. Anything else is the path of a .safetensors or .pth file with
            timm's names (or torchvision's, for ResNets).
        descriptor: Layer whose average over all positions describes the image; no descriptor if not given.
        precision: "bfloat16" computes the maps in half precision: three times as quick on CPUs and GPUs that
            have it, slower on others. Features then change by about 1 %.

    Raises:
        BadArgument: timm does not have the model, the model lacks a layer, or `weights` names nothing.
        BadWeights: At first use: the weights are missing, broken, or of another model.
    """

    checked = Checked(
        arguments={"model": "test_resnet.r160_in1k", "layers": ["layer1", "layer3"], "weights": "none"}
    )

    selects = ("layers",)

    def __init__(
        self,
        model: str,
        layers: list[str | int],
        weights: str | Path = "hub",
        descriptor: str | None = None,
        precision: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        self.model = model
        self.layers = layers
        self.weights = weights
        self.descriptor = descriptor
        self.precision = precision
        require_name(weights)
        require_choice("precision", precision, _DTYPES)
        self._ready = weights == "none"
        with nullcontext() if self._ready else undrawn():
            self._network = self._made()
        self._origin = {"source": "none"} if self._ready else {}

    def extract(self, images: Float[Tensor, "b 3 H W"]) -> Features:
        self._get_ready()
        return self._network.extract(images)

    def traceable(self) -> Callable[[Tensor], Features]:
        self._get_ready()
        return self._network.traceable()

    def to(self, device: torch.device) -> None:
        self._network.to(device)

    def state_dict(self) -> dict[str, Tensor]:
        self._get_ready()
        return {name: tensor.contiguous() for name, tensor in self._network.tensors().items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        load_into(self._network.tensors(), state, "The stored state")
        self._ready, self._origin = True, {}

    def require_weights(self) -> None:
        if self._ready:
            return
        if self.weights == "hub":
            require_published(self.model)
        elif self._installed:
            require_installed(self.model, str(self.weights))
        else:
            require_file(Path(self.weights).expanduser(), self.model, self._network.tensors().keys())

    def go_without_weights(self) -> None:
        if self._ready:
            return
        initial = self._made().tensors()
        with LOADING:
            if not self._ready:
                for name, tensor in self._network.tensors().items():
                    tensor.copy_(initial[name])
                self._ready = True

    def weights_origin(self) -> dict[str, str]:
        return dict(self._origin)

    def restore_weights_origin(self, origin: dict[str, str]) -> None:
        self._origin = dict(origin)

    def _made(self) -> Network:
        """Return the network with the weights that it begins with."""
        outline = outline_of(self.model)
        names = outline.layers.names(self.layers, "layers")
        descriptor = None if self.descriptor is None else outline.layers.name(self.descriptor, "descriptor")
        published = outline.published
        card = Card(self.model, published["mean"], published["std"], published["input_size"])
        tapped = [*names, *([] if descriptor is None else [descriptor])]
        network = extractor(outline, tapped)
        return Network(
            card,
            network,
            names,
            descriptor,
            met=outline.once(tuple(tapped), lambda: met_on_the_way(card, network, tapped)),
            published=published_keys(outline),
            dtype=_DTYPES[self.precision],
        )

    def _get_ready(self) -> None:
        if self._ready:
            return
        with LOADING:
            if not self._ready:
                tensors, name, self._origin = self._given()
                load_into(self._network.tensors(), tensors, name)
                self._ready = True

    @property
    def _installed(self) -> bool:
        return isinstance(self.weights, str) and self.weights.partition(":")[0] == INSTALLED

    def _given(self) -> tuple[dict[str, Tensor], str, dict[str, str]]:
        """Return the weights that the arguments name, what to call them, and where they came from."""
        if self.weights == "hub":
            return download(self.model), f'The published "{self.model}"', origin_of_hub(self.model)
        called = f'"{self.weights}"'
        if self._installed:
            tensors, origin = read_installed(self.model, str(self.weights))
            return tensors, called, origin
        path = Path(self.weights).expanduser()
        return read(path, self.model), called, origin_of_file(path)
