"""The outputs of some modules of a network, which is left as soon as they have all been computed."""

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, final

import torch
from torch import Tensor, nn

from padimkit.errors import BadArgument

AsMap = Callable[[str, Tensor, torch.Size], Tensor]


@final
class Tapped(nn.Module):
    """A whole network that gives the maps of the named modules.

    Args:
        network: Takes images.
        names: Modules of the network.
        as_map: Makes a map "b c h w" of the name of a module, its output, and height and width of the images.

    Raises:
        BadArgument: The output of a module is no tensor.
    """

    def __init__(self, network: nn.Module, names: Sequence[str], as_map: AsMap) -> None:
        super().__init__()
        self.network = network
        self.names = frozenset(names)
        self.as_map = as_map
        self.outputs: dict[str, Tensor] = {}
        for name in self.names:
            network.get_submodule(name).register_forward_hook(partial(self._tap, name))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        self.outputs = {}  # those of images that the network refused halfway
        with contextlib.suppress(_AllTapped):
            self.network(images)
        outputs, self.outputs = self.outputs, {}
        return {name: self.as_map(name, output, images.shape[2:]) for name, output in outputs.items()}

    def _tap(self, name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple | list) else output  # as timm's FeatureHooks do
        if not isinstance(first, Tensor):
            raise BadArgument(f'The layer "{name}" gives a {type(first).__name__}, which is no map.')
        # Copied, since the next module may work in place.
        self.outputs.setdefault(name, first.clone())
        if self.outputs.keys() == self.names:
            raise _AllTapped


class _AllTapped(Exception):
    """Nothing more has to be computed."""
