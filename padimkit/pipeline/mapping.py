"""Tools for maps of one's own: tiles that fade into each other, and the rules that hold for all maps."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from padimkit.images.resizing import Size
from padimkit.images.tiles import Axis
from padimkit.values import Prediction, Scores


def map_of_tiles(
    patches: Float[Tensor, "b h w"],
    size: Size,
    axes: tuple[Axis, Axis] | None,
    upsample: Callable[[Float[Tensor, "n r c"], Size], Float[Tensor, "n t s"]],
) -> Float[Tensor, "b H W"]:
    """Return the maps of images, each tile of which is upsampled on its own.

    Where tiles overlap they fade into each other, evenly from the middle of each to its edges.

    Args:
        patches: Scores, those of the tiles of an image side by side.
        size: Height and width of the maps.
        axes: The places of the tiles along height and width; None if the image is its only tile.
        upsample: Returns maps of a height and a width for grids of scores.
    """
    vertical, horizontal = axes or (Axis.whole(size[0]), Axis.whole(size[1]))
    rows, columns = patches.shape[1] // len(vertical.starts), patches.shape[2] // len(horizontal.starts)
    weight = _fading(vertical.side, patches)[:, None] * _fading(horizontal.side, patches)
    total, weights = patches.new_zeros(len(patches), *size), patches.new_zeros(size)
    for row, top in enumerate(vertical.starts):
        for column, left in enumerate(horizontal.starts):
            tile = patches[:, row * rows : (row + 1) * rows, column * columns : (column + 1) * columns]
            place = (..., slice(top, top + vertical.side), slice(left, left + horizontal.side))
            total[place] += weight * upsample(tile, (vertical.side, horizontal.side))
            weights[place] += weight
    return total / weights


def prediction_of(
    scores: Sequence[Scores],
    maps: Float[Tensor, "b H W"],
    region: Bool[Tensor, "H W"] | None = None,
    rule: Callable[[Float[Tensor, "b n"]], Float[Tensor, " b"]] = lambda pixels: pixels.amax(1),
) -> Prediction:
    """Return these maps, 0 outside the region, with the scores of the images.

    Args:
        scores: Of each level; the sum of their image scores is taken if all have some.
        maps: The maps of the images.
        region: False where the map is to be 0 and does not count; None for everywhere.
        rule: Gives each image a score by the pixels of its map within the region; by default the maximum.
    """
    within = None if region is None else region.to(maps.device)
    own = [level.images for level in scores if level.images is not None]
    if len(own) == len(scores):
        images = torch.stack(own).sum(0)
    else:
        images = rule(maps.flatten(1) if within is None else maps[:, within])
    return Prediction(images, maps if within is None else maps * within)


def _fading(side: int, like: Tensor) -> Float[Tensor, " side"]:
    ramp = torch.arange(side, dtype=like.dtype, device=like.device) + 0.5
    return torch.minimum(ramp, ramp.flip(0))
