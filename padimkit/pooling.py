"""Averages over neighbouring or over all patches."""

from typing import Literal, TypeAlias, get_args

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from padimkit.choices import require_choice
from padimkit.errors import BadArgument

Pooling: TypeAlias = Literal["none", "local", "global"]


def pooled(maps: Float[Tensor, "b c h w"], pooling: Pooling, window: int) -> Float[Tensor, "b c h2 w2"]:
    """The maps themselves, their averages over `window` x `window` neighbours, or over all positions.

    At the border the average is taken over the neighbours that exist.
    """
    if pooling == "global":
        return maps.mean((2, 3), keepdim=True)
    if pooling == "local":
        return F.avg_pool2d(maps, window, stride=1, padding=window // 2, count_include_pad=False)
    return maps


def check_pooling(pooling: Pooling, window: int) -> None:
    """Raises BadArgument unless there is such a pooling, and a window of this side has a centre."""
    require_choice("pooling", pooling, get_args(Pooling))
    if window < 1 or window % 2 == 0:
        raise BadArgument(f'Expected an odd "window" of at least 1, got {window}.')
