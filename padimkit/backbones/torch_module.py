"""Any module of PyTorch, such as those of torchvision and of Hugging Face's transformers."""

from collections.abc import Callable
from pathlib import Path
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.arguments import require_between, require_whole
from padimkit.arguments.checked import Checked
from padimkit.backbones._construction import class_path_of, construct
from padimkit.backbones._hooks import Layout, Tapped, as_map
from padimkit.backbones._layer_names import Layers
from padimkit.backbones._network import Card, Network, met_on_the_way
from padimkit.backbones._weights import LOADING, load_into, origin_of_file, read, require_file
from padimkit.contracts import Backbone, Exportable, NeedsWeights, Stateful, TellsWeights
from padimkit.errors import BadArgument, PadimkitError
from padimkit.values import Features

_MOST_COLOUR = 1000  # of images in [0, 1], or in bytes
_MOST_SIZE = 4096

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet


@final
class TorchModule(Backbone, Stateful, NeedsWeights, TellsWeights, Exportable):
    """Feature maps of any torch.nn.Module that takes images, computed only up to the last layer.

    The weights are stored with a fitted pipeline. A module is code, so such a model is only loaded if it is
    trusted.

    Args:
        module: Class path of a module, or of a function that makes one, with `init_args` if it needs any:
            {class_path: torchvision.models.resnet18, init_args: {num_classes: 10}}. An argument that is an
            object is given in the same way if it is annotated with its class.
        layers: Names of its submodules, such as "layer1" or "features.3".
        weights: "as_made" takes the module's own weights: pretrained ones if its arguments ask for them, else
            random ones from a fixed seed. Anything else is the path of a .safetensors or .pth file with the
            module's names.
        descriptor: Layer whose average over all positions describes the image; no descriptor if not given.
        layout: Axes of the layers' outputs: maps, maps with channels last, or tokens row by row.
        extra_tokens: Number of tokens before those of the positions, such as 1 for a class token.
        mean: Mean of each colour, subtracted from images in [0, 1]; by default that of ImageNet.
        std: Deviation of each colour, by which images are then divided; by default that of ImageNet.
        image_size: Side of a square image that the module takes, used to find out which weights the layers
            need. Change it for modules that take a single size only.

    Raises:
        BadArgument: The module cannot be made, does not take images of `image_size`, does not have a layer,
            or a layer does not give a map.
        BadShape: The tokens of a layer do not fill a map.
        BadWeights: At first use: the weights are missing, broken, or of another module.
    """

    checked = Checked(
        arguments={
            "module": {"class_path": "torchvision.models.squeezenet1_1", "init_args": {"num_classes": 2}},
            "layers": ["features.3", "features.6"],
            "weights": "as_made",
        }
    )

    selects = ("layers",)

    def __init__(
        self,
        module: dict,  # type: ignore[type-arg] # of Any, jsonargparse would make objects of the inner settings
        layers: list[str],
        weights: str | Path,
        descriptor: str | None = None,
        layout: Layout = "b c h w",
        extra_tokens: int = 0,
        mean: tuple[float, float, float] = _MEAN,
        std: tuple[float, float, float] = _DEVIATION,
        image_size: int = 224,
    ) -> None:
        self.module = module
        self.layers = layers
        self.weights = weights
        self.descriptor = descriptor
        self.layout = layout
        self.extra_tokens = extra_tokens
        self.mean = mean
        self.std = std
        self.image_size = image_size
        self._network = self._built()
        self._ready = weights == "as_made"
        self._origin = {"source": "as_made"} if self._ready else {}

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
        if not self._ready:
            require_file(self._file, class_path_of(self.module), self._network.tensors().keys())

    def go_without_weights(self) -> None:
        self._ready = True

    def weights_origin(self) -> dict[str, str]:
        return dict(self._origin)

    def restore_weights_origin(self, origin: dict[str, str]) -> None:
        self._origin = dict(origin)

    def _get_ready(self) -> None:
        if self._ready:
            return
        with LOADING:
            if not self._ready:
                given = read(self._file, class_path_of(self.module))
                load_into(self._network.tensors(), given, f'"{self.weights}"')
                self._origin = origin_of_file(self._file)
                self._ready = True

    @property
    def _file(self) -> Path:
        return Path(self.weights).expanduser()

    def _built(self) -> Network:
        if min(self.std) <= 0:
            raise BadArgument(f'Expected "std" above 0, got {self.std}.')
        for mean, deviation in zip(self.mean, self.std, strict=True):
            require_between("mean", mean, -_MOST_COLOUR, _MOST_COLOUR)
            require_between("std", deviation, 0, _MOST_COLOUR)
        require_whole("image_size", self.image_size, 1, _MOST_SIZE)
        size, name = self.image_size, class_path_of(self.module)
        read_as = as_map(self.layout, extra_tokens=self.extra_tokens)
        module = construct(self.module)
        known = Layers(name, [layer for layer, _ in module.named_modules() if layer])
        layers = known.names(self.layers, "layers")
        descriptor = [] if self.descriptor is None else [known.name(self.descriptor, "descriptor")]
        wanted = [*layers, *descriptor]
        tapped = Tapped(module, wanted, read_as)
        card, keys = (
            Card(name, self.mean, self.std, (3, size, size)),
            {key: key for key in module.state_dict()},
        )
        try:
            met = met_on_the_way(card, tapped, wanted)
            return Network(card, tapped, layers, self.descriptor, met=met, published=keys)
        except PadimkitError:
            raise
        except Exception as error:  # foreign code may raise anything
            raise BadArgument(
                f'"{name}" cannot be applied to images of {size} x {size} pixels ("image_size"): {error}'
            ) from error
