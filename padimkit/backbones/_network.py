"""A timm network that ends at the last layer asked for, and holds nothing that its layers do not need."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from padimkit.backbones._extractors import FeaturesOnly, Tapped
from padimkit.backbones._model import create_model
from padimkit.backbones._outline import Outline
from padimkit.backbones._touched import Touched
from padimkit.errors import BadArgument, BadShape


@final
class Network:
    """Computes the maps of some modules, in evaluation mode, without gradients.

    Raises:
        BadArgument: A module gives no map.
    """

    def __init__(self, outline: Outline, names: Sequence[str], dtype: torch.dtype) -> None:
        self.model = outline.model
        self._mean = _per_channel(outline.published["mean"])
        self._deviation = _per_channel(outline.published["std"])
        self._module = _extractor(outline, names).eval().requires_grad_(False)
        self._keys = _needed_keys(self._module, names, outline)
        for name, parameter in self._module.named_parameters():
            if name not in self._keys:
                parameter.data = torch.empty(0)
        self._dtype = dtype
        self._module.to(dtype)
        self._module.to(memory_format=torch.channels_last)  # a third quicker on a CPU

    def maps(self, images: Float[Tensor, "b 3 H W"]) -> dict[str, Float[Tensor, "b _ _ _"]]:
        """The maps "b c h w", in float32, by the name of the module, of RGB images in [0, 1].

        Raises:
            BadShape: The model takes no images of this size.
        """
        images = images.to(self._mean.device, memory_format=torch.channels_last)
        normalised = ((images - self._mean) / self._deviation).to(self._dtype)
        try:
            with torch.no_grad():  # not inference mode: its tensors could never enter a plugin's autograd
                maps: dict[str, Tensor] = self._module(normalised)
        except AssertionError as error:  # timm's way to refuse a size
            size = " x ".join(map(str, images.shape[2:]))
            raise BadShape(f'"{self.model}" takes no images of {size} pixels: {error}') from error
        return {name: map.float() for name, map in maps.items()}

    def to(self, device: torch.device) -> None:
        """Moves everything to this device."""
        self._module.to(device)
        self._mean, self._deviation = self._mean.to(device), self._deviation.to(device)

    def tensors(self) -> dict[str, Tensor]:
        """All weights that the modules need, not copied, under the names that timm's weight files have."""
        tensors: dict[str, Tensor] = self._module.state_dict()
        return {published: tensors[own] for own, published in self._keys.items()}


def _extractor(outline: Outline, names: Sequence[str]) -> nn.Module:
    if set(names) <= set(outline.stages):
        indices = sorted({outline.stages.index(name) for name in names})
        network = create_model(outline.model, features_only=True, out_indices=indices)
        if FeaturesOnly.ends_early(network):
            return FeaturesOnly(network, [outline.stages[index] for index in indices])
    return Tapped(create_model(outline.model), names)


def _needed_keys(module: nn.Module, names: Sequence[str], outline: Outline) -> dict[str, str]:
    """Own key -> published key of all stored tensors that an image meets on its way."""
    try:
        maps, met = _trace(module, outline, torch.device("meta"))  # shapes without numbers cost no time
    except RuntimeError:  # some models, such as gemma4_vit, look at the numbers
        maps, met = _trace(module, outline, torch.device("cpu"))
    _refuse_what_is_no_map(names, maps)
    published = _published_keys(outline)
    stored = module.state_dict().keys()
    return {name: published[name.removeprefix("network.")] for name in met if name in stored}


def _trace(module: nn.Module, outline: Outline, device: torch.device) -> tuple[dict[str, Tensor], list[str]]:
    """The maps of an empty image, and the keys of the parameters and buffers that took part."""
    tensors = _tensors(module)
    doubles = {id(tensor): tensor.to(device) for tensor in tensors.values()}
    stand_ins = {name: doubles[id(tensor)] for name, tensor in tensors.items()}
    image = torch.zeros(1, *outline.published["input_size"], device=device)
    with torch.no_grad(), Touched() as touched:
        maps: dict[str, Tensor] = functional_call(module, stand_ins, (image,), tie_weights=False)
    return maps, [name for name, stand_in in stand_ins.items() if id(stand_in) in touched.identities]


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers, once where a module stands in two places: else functional_call loses them."""
    return {
        f"{place}.{name}".removeprefix("."): tensor
        for place, part in module.named_modules()
        for name, tensor in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False))
    }


def _refuse_what_is_no_map(names: Sequence[str], maps: dict[str, Tensor]) -> None:
    for name in names:
        if name not in maps:
            raise BadArgument(f'The layer "{name}" is never computed. Choose another one.')
        if maps[name].ndim != 4:
            shape = " x ".join(map(str, maps[name].shape))
            raise BadArgument(
                f'The layer "{name}" gives {shape} numbers, which is no map. Choose another one.'
            )


def _published_keys(outline: Outline) -> dict[str, str]:
    """What timm's feature extractors call a tensor -> what timm's weight files call it."""
    wrapped = {f"model.{key}": key for key in outline.keys}
    flattened = {key.replace(".", "_", 1): key for key in outline.keys}
    return wrapped | flattened | {key: key for key in outline.keys}


def _per_channel(values: Sequence[float]) -> Float[Tensor, "3 1 1"]:
    return torch.tensor(values, dtype=torch.float32).reshape(3, 1, 1)
