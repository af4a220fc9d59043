"""The outputs of some modules of a network, which is left as soon as all of them are computed."""

import contextlib
import math
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from padimkit.arguments import require_choice, require_whole
from padimkit.errors import BadArgument, BadShape

_MOST_TOKENS = 2**16

AsMap = Callable[[str, Tensor, torch.Size], Tensor]

# The outputs of the call that this thread is in: hooks belong to the network, which several threads may use.
_OUTPUTS: ContextVar[dict[str, Tensor]] = ContextVar("outputs")


@final
class Tapped(nn.Module):
    """A whole network that gives the maps of the named modules.

    Args:
        network: Takes images.
        names: Modules of the network.
        as_map: Makes a map "b c h w" from a module's name, its output, and height and width of the images.

    Raises:
        BadArgument: The output of a module is not a tensor.
    """

    def __init__(self, network: nn.Module, names: Sequence[str], as_map: AsMap) -> None:
        super().__init__()
        self.network = network
        self.names = frozenset(names)
        self.as_map = as_map
        for name in self.names:
            network.get_submodule(name).register_forward_hook(partial(self._tap, name))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        outputs: dict[str, Tensor] = {}
        call = _OUTPUTS.set(outputs)
        try:
            with contextlib.suppress(_AllTapped):
                self.network(images)
        finally:
            _OUTPUTS.reset(call)
        return {name: self.as_map(name, output, images.shape[2:]) for name, output in outputs.items()}

    def _tap(self, name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple | list) else output  # as timm's FeatureHooks do
        if not isinstance(first, Tensor):
            raise BadArgument(f'The layer "{name}" gives a {type(first).__name__}, which is not a map.')
        outputs = _OUTPUTS.get(None)
        if outputs is None:  # somebody else uses the network on its own
            return
        # Copied, since the next module may work in place.
        outputs.setdefault(name, first.clone())
        if outputs.keys() == self.names:
            raise _AllTapped


class _AllTapped(Exception):
    """Nothing more has to be computed."""


Layout = Literal["b c h w", "b h w c", "b n c"]


def as_map(layout: Layout, *, extra_tokens: int) -> AsMap:
    """Return a function that turns an output with these axes into a map.

    Args:
        layout: Batch, channels, height and width, or tokens row by row.
        extra_tokens: Number of tokens before those of the positions.

    Raises:
        BadArgument: The layout is unknown, or does not have tokens to leave out.
    """
    require_choice("layout", layout, _AS_MAPS)
    require_whole("extra_tokens", extra_tokens, 0, _MOST_TOKENS)
    if extra_tokens and layout != "b n c":
        raise BadArgument(f'Expected "extra_tokens" of 0 in the layout "{layout}", got {extra_tokens}.')
    return partial(_AS_MAPS[layout], extra_tokens=extra_tokens)


def _of_maps(name: str, output: Tensor, _size: torch.Size, *, extra_tokens: int) -> Tensor:
    return _with_axes("b c h w", name, output)


def _of_channels_last(name: str, output: Tensor, _size: torch.Size, *, extra_tokens: int) -> Tensor:
    return _with_axes("b h w c", name, output).permute(0, 3, 1, 2)


def _of_tokens(name: str, output: Tensor, size: torch.Size, *, extra_tokens: int) -> Tensor:
    tokens = _with_axes("b n c", name, output)[:, extra_tokens:]
    count = tokens.shape[1]
    height = max(1, round(math.sqrt(count * size[0] / size[1])))
    if count == 0 or count % height:
        raise BadShape(
            f'The layer "{name}" gives {output.shape[1]} tokens for images of {size[0]} x {size[1]} pixels: '
            f'without {extra_tokens} of them, as "extra_tokens" says, they fill no map of this shape.'
        )
    return tokens.reshape(tokens.shape[0], height, -1, tokens.shape[2]).permute(0, 3, 1, 2)


def _with_axes(layout: str, name: str, output: Tensor) -> Tensor:
    if output.ndim != len(layout.split()):
        shape = " x ".join(map(str, output.shape))
        raise BadArgument(
            f'The layer "{name}" gives {shape} numbers, which do not have the axes "{layout}". '
            'Choose another layer, or another "layout".'
        )
    return output


_AS_MAPS = {"b c h w": _of_maps, "b h w c": _of_channels_last, "b n c": _of_tokens}
