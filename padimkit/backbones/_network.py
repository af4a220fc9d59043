"""A network that stops after the last requested layer and holds only the weights that its layers need."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

from padimkit.errors import BadArgument, BadShape, CannotExport
from padimkit.moments.averages import averages, traceable_averages
from padimkit.values import Features


@dataclass(frozen=True)
class Card:
    """The name of a network and the images that it takes.

    Args:
        name: For messages.
        mean: Of each colour, subtracted from images in [0, 1].
        deviation: Of each colour, by which images are then divided.
        shape: Colours, height and width of an image that it takes; it may take others too.
    """

    name: str
    mean: Sequence[float]
    deviation: Sequence[float]
    shape: tuple[int, int, int]


@final
class Network:
    """A network that computes the maps of some layers, in evaluation mode, without gradients.

    Args:
        card: The name of the network and the images that it takes.
        extractor: Gives the maps of the layers by name; its child `network` holds the weights.
        layers: The layers whose maps are the features.
        descriptor: A layer whose average over all positions describes the image, if any.
        met: The names of the tensors that an image meets on its way, as `met_on_the_way` finds them.
        published: For each tensor inside `network`, its name in weight files.
        dtype: The type of number to compute with.
    """

    def __init__(
        self,
        card: Card,
        extractor: nn.Module,
        layers: Sequence[str],
        descriptor: str | None,
        *,
        met: Sequence[str],
        published: Mapping[str, str],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._card = card
        self._layers, self._descriptor = layers, descriptor
        self._mean = _per_channel(card.mean)
        self._deviation = _per_channel(card.deviation)
        self._module = extractor.eval().requires_grad_(False)
        stored = self._module.state_dict().keys()
        self._keys = {name: published[name.removeprefix("network.")] for name in met if name in stored}
        for name, parameter in self._module.named_parameters():
            if name not in self._keys:
                parameter.data = torch.empty(0)
        self._dtype = dtype
        self._module.to(dtype)
        self._module.to(memory_format=torch.channels_last)  # a third quicker on a CPU

    def extract(self, images: Float[Tensor, "b 3 H W"]) -> Features:
        """Return the maps of the layers in float32, and the descriptor, of RGB images in [0, 1].

        Raises:
            BadShape: The network does not take images of this size.
        """
        images = images.to(self._mean.device, memory_format=torch.channels_last)
        try:
            with torch.no_grad():  # not inference mode: its tensors could never enter a plugin's autograd
                return self._features(images, averages)
        except torch.cuda.OutOfMemoryError:
            raise
        except (AssertionError, RuntimeError, ValueError) as error:  # raised by networks that refuse a size
            size = " x ".join(map(str, images.shape[2:]))
            raise BadShape(f'"{self._card.name}" does not take images of {size} pixels: {error}') from error

    def traceable(self) -> Callable[[Float[Tensor, "b 3 H W"]], Features]:
        """Return what `extract` does, without its errors.

        Raises:
            CannotExport: The network computes in half precision, in which a trace would stay.
        """
        if self._dtype != torch.float32:
            raise CannotExport(f'"{self._card.name}" computes in {self._dtype}; load it in float32.')
        return lambda images: self._features(images, traceable_averages)

    def _features(
        self,
        images: Float[Tensor, "b 3 H W"],
        average: Callable[[Float[Tensor, "b c h w"]], Float[Tensor, "b c"]],
    ) -> Features:
        normalised = ((images - self._mean) / self._deviation).to(self._dtype)
        found: dict[str, Tensor] = self._module(normalised)
        maps = {name: feature_map.float() for name, feature_map in found.items()}
        finest_first = sorted(self._layers, key=lambda name: -maps[name].shape[2:].numel())
        pooled = None if self._descriptor is None else average(maps[self._descriptor])
        return Features({name: maps[name] for name in finest_first}, pooled)

    def to(self, device: torch.device) -> None:
        """Move everything to this device."""
        self._module.to(device)
        self._mean, self._deviation = self._mean.to(device), self._deviation.to(device)

    def tensors(self) -> dict[str, Tensor]:
        """Return all weights that the layers need, not copied, under their names in weight files."""
        tensors: dict[str, Tensor] = self._module.state_dict()
        return {published: tensors[own] for own, published in self._keys.items()}


def met_on_the_way(card: Card, extractor: nn.Module, layers: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the tensors that an image meets on its way to the layers.

    Raises:
        BadArgument: A layer does not give a map.
    """
    extractor.eval()
    try:
        maps, met = _trace(card, extractor, torch.device("meta"))  # tensors without values cost no time
    except RuntimeError:  # some models, such as gemma4_vit, read the values
        maps, met = _trace(card, extractor, torch.device("cpu"))
    _require_maps(maps, layers)
    return met


def _trace(
    card: Card, extractor: nn.Module, device: torch.device
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return the maps of an empty image, and the names of the parameters and buffers that took part."""
    tensors = _tensors(extractor)
    doubles = {id(tensor): tensor.to(device) for tensor in tensors.values()}
    stand_ins = {name: doubles[id(tensor)] for name, tensor in tensors.items()}
    image = torch.zeros(1, *card.shape, device=device)
    with torch.no_grad(), Touched() as touched:
        maps: dict[str, Tensor] = functional_call(extractor, stand_ins, (image,), tie_weights=False)
    return maps, tuple(name for name, stand_in in stand_ins.items() if id(stand_in) in touched.identities)


def _require_maps(maps: Mapping[str, Tensor], layers: Sequence[str]) -> None:
    for name in layers:
        if name not in maps:
            raise BadArgument(f'The layer "{name}" is never computed. Choose another one.')
        if maps[name].ndim != 4:
            shape = " x ".join(map(str, maps[name].shape))
            raise BadArgument(
                f'The layer "{name}" gives {shape} numbers, which are not a map. Choose another one.'
            )


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Return parameters and buffers; a module in two places counts once, else functional_call loses them."""
    return {
        f"{place}.{name}".removeprefix("."): tensor
        for place, part in module.named_modules()
        for name, tensor in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False))
    }


def _per_channel(values: Sequence[float]) -> Float[Tensor, "3 1 1"]:
    return torch.tensor(values, dtype=torch.float32).reshape(3, 1, 1)


@final
class Touched(TorchFunctionMode):
    """A record of the `id` of every tensor that is passed to a function of torch inside its `with` block."""

    def __init__(self) -> None:
        super().__init__()
        self.identities: set[int] = set()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        self.identities.update(id(tensor) for tensor in _tensors_in((*args, *named.values())))
        return func(*args, **named)


def _tensors_in(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors_in(value)
