"""The map old_map, which makes anomaly maps and image scores of patch scores."""

from collections.abc import Sequence

import torch
from padimkit import Axis, BadArgument, Mapper, Prediction, Scores, map_of_tiles, prediction_of
from torch import Tensor
from torch.nn import functional as F


class OldMap(Mapper):
    """Bilinear maps, summed over the levels; the score of an image is the mean of its highest pixels.

    Args:
        share: Share of the pixels of an image that are its highest.
    """

    def __init__(self, share: float = 0.01) -> None:
        self.share = share
        if not 0 < share <= 1:
            raise BadArgument(f'Expected "share" above 0 and at most 1, got {share}.')

    def predict(
        self,
        scores: Sequence[Scores],
        size: tuple[int, int],
        axes: tuple[Axis, Axis] | None = None,
        region: Tensor | None = None,
    ) -> Prediction:
        """Return maps "b H W" of `size`, and one score per image; tools deal with tiles and region."""
        maps = [map_of_tiles(level.patches, size, axes, _upsampled) for level in scores]
        return prediction_of(scores, torch.stack(maps).sum(0), region, self._of_highest)

    def _of_highest(self, pixels: Tensor) -> Tensor:
        return pixels.topk(max(1, round(self.share * pixels.shape[1]))).values.mean(1)


def _upsampled(patches: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(patches[:, None], size, mode="bilinear", align_corners=False)[:, 0]
