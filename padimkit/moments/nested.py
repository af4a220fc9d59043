"""The moments of aligned patches, from layers at their own resolutions.

They stand apart from moments of vectors, which know nothing of grids, and from the reducers that learn them.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

from padimkit.moments.moments import Moments


def are_nested(maps: Sequence[Float[Tensor, "b _ _ _"]]) -> bool:
    """Return whether rows and columns of each layer are a multiple of those of the next."""
    return all(
        finer % coarser == 0
        for larger, smaller in pairwise(maps)
        for finer, coarser in zip(larger.shape[2:], smaller.shape[2:], strict=True)
    )


def nested_moments(maps: Sequence[Float[Tensor, "b _ _ _"]]) -> Moments:
    """Return the moments of the patches of maps that are repeated to the finest resolution, in float64.

    A coarse position has the same values at all finer ones that it covers. So these are summed before the
    product, which has as many terms as the coarser of its two layers has positions, not the finest.

    Args:
        maps: The finest first, of which `are_nested` holds.
    """
    positions, channels = maps[0].shape[2:].numel(), sum(feature_map.shape[1] for feature_map in maps)
    scatter = torch.zeros(channels, channels, dtype=torch.float64, device=maps[0].device)
    mean = scatter.new_empty(channels)
    sums = scatter.new_empty(len(maps[0]), *maps[0].shape[2:], 0)
    for feature_map in maps:
        rows = feature_map.permute(0, 2, 3, 1)
        deviations = rows.to(torch.float64, copy=True, memory_format=torch.contiguous_format)
        start, stop = sums.shape[3], sums.shape[3] + feature_map.shape[1]
        mean[start:stop] = deviations.mean((0, 1, 2))
        deviations -= mean[start:stop]
        finer, sums = sums, deviations.new_empty(*deviations.shape[:3], stop)
        if start:
            sums[..., :start] = _summed(finer, feature_map.shape[2:])
        torch.mul(deviations, positions // feature_map.shape[2:].numel(), out=sums[..., start:])
        block = sums.flatten(0, 2).T @ deviations.flatten(0, 2)
        scatter[:stop, start:stop] = block
        scatter[start:stop, :start] = block[:start].T
    return Moments(len(maps[0]) * positions, mean[None], scatter[None])


def _summed(values: Float[Tensor, "b H W c"], size: torch.Size) -> Float[Tensor, "b h w c"]:
    """Return the sums over the positions that each of a coarser grid covers."""
    covered = tuple(finer // coarser for finer, coarser in zip(values.shape[1:3], size, strict=True))
    return avg_pool2d(values.permute(0, 3, 1, 2), covered, divisor_override=1).permute(0, 2, 3, 1)
