"""Outputs of layers to maps "b c h w"."""

import math
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from padimkit.backbones._tapped import AsMap
from padimkit.choices import require_choice
from padimkit.errors import BadArgument, BadShape

Layout = Literal["b c h w", "b h w c", "b n c"]


def as_map(layout: Layout, *, extra_tokens: int) -> AsMap:
    """How to make a map of an output that has these axes.

    Args:
        layout: Batch, channels, height, width; or tokens row by row.
        extra_tokens: How many tokens stand before those of the positions.

    Raises:
        BadArgument: There is no such layout, or it has no tokens that could be left out.
    """
    require_choice("layout", layout, _AS_MAPS)
    if extra_tokens < 0 or (extra_tokens and layout != "b n c"):
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
    return tokens.reshape(len(tokens), height, -1, tokens.shape[2]).permute(0, 3, 1, 2)


def _with_axes(layout: str, name: str, output: Tensor) -> Tensor:
    if output.ndim != len(layout.split()):
        shape = " x ".join(map(str, output.shape))
        raise BadArgument(
            f'The layer "{name}" gives {shape} numbers, which do not have the axes "{layout}". '
            'Choose another layer, or another "layout".'
        )
    return output


_AS_MAPS = {"b c h w": _of_maps, "b h w c": _of_channels_last, "b n c": _of_tokens}
