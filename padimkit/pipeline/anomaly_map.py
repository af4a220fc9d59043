"""Anomaly maps at the size of the image, made from patch scores.

A part of its own, with a public name.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Float64
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from padimkit.arguments import require_between, require_choice
from padimkit.contracts import ExportableMapper, Mapper
from padimkit.images.resizing import Size
from padimkit.images.tiles import Axis
from padimkit.values import Prediction, Scores

_MOST_SIGMA = 10_000

Upsampling: TypeAlias = Literal["bicubic", "bilinear"]


@dataclass(frozen=True)
class AnomalyMap(Mapper, ExportableMapper):
    """Maps upsampled to the image, summed and smoothed (PaDiM paper, experimental setup).

    Args:
        sigma: Standard deviation of the Gaussian filter in pixels of the map; 0 for no smoothing.
        image_score: Take the maximum of the map after or before smoothing.
        upsampling: "bicubic", as in PaDiM, or "bilinear", as in PatchCore (Roth et al. 2022, section 3.3).
    """

    sigma: float = 4.0
    image_score: Literal["after", "before"] = "after"
    upsampling: Upsampling = "bicubic"

    def __post_init__(self) -> None:
        require_choice("upsampling", self.upsampling, get_args(Upsampling))
        require_choice("image_score", self.image_score, ("after", "before"))
        require_between("sigma", self.sigma, 0, _MOST_SIGMA)

    def predict(
        self,
        scores: Iterable[Scores],
        size: Size,
        axes: tuple[Axis, Axis] | None = None,
        region: Bool[Tensor, "H W"] | None = None,
    ) -> Prediction:
        """Return maps of `size` pixels and image scores: the densities' own if all give them, else maxima.

        Args:
            scores: Of each level; of tiles, those of an image side by side.
            size: Height and width of the maps.
            axes: The places of tiles along height and width; by default, the image is its only tile. Each
                tile is upsampled on its own, and where tiles overlap they fade into each other.
            region: False where the map is to be 0 and does not count for the image's score.
        """
        scores, axes = list(scores), axes or (Axis.whole(size[0]), Axis.whole(size[1]))
        return self.traceable(scores, axes, region)(scores)

    def traceable(
        self, examples: Sequence[Scores], axes: tuple[Axis, Axis], region: Bool[Tensor, "H W"] | None
    ) -> Callable[[Sequence[Scores]], Prediction]:
        """Return a function that gives what `predict` gives for scores on the grids of these examples."""
        kind, before = self.upsampling, self.image_score == "before"
        smoothing = [_resamplings(level.patches, axes, self.sigma, kind) for level in examples]
        sharp = [_resamplings(level.patches, axes, 0.0, kind) for level in examples] if before else []

        def predict(scores: Sequence[Scores]) -> Prediction:
            smooth = _resampled(scores, smoothing)
            return _finished(scores, smooth, _resampled(scores, sharp) if sharp else smooth, region)

        return predict


def _finished(
    scores: Sequence[Scores],
    smooth: Float[Tensor, "b H W"],
    peaked: Float[Tensor, "b H W"],
    region: Bool[Tensor, "H W"] | None,
) -> Prediction:
    """Return the prediction, given the maps and those of which the peaks count."""
    if region is not None:
        within = region.to(smooth.device)
        smooth, peaked = smooth * within, peaked.masked_fill(~within, -torch.inf)
    own = [level.images for level in scores if level.images is not None]
    return Prediction(_sum(own) if len(own) == len(scores) else peaked.amax((1, 2)), smooth)


def _sum(tensors: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(tensors)).sum(0)


Matrices = tuple[Tensor, Tensor]  # of the rows, and of the columns


def _resampled(scores: Sequence[Scores], levels: Sequence[Matrices]) -> Float[Tensor, "b H W"]:
    """Return the sum of the levels, each resampled by its matrices."""
    pairs = zip(scores, levels, strict=True)
    return _sum(rows @ level.patches @ columns.T for level, (rows, columns) in pairs)


def _resamplings(
    patches: Float[Tensor, "b h w"], axes: tuple[Axis, Axis], sigma: float, kind: Upsampling
) -> Matrices:
    how = (sigma, kind, patches.dtype, patches.device)
    return _resampling(patches.shape[1], axes[0], *how), _resampling(patches.shape[2], axes[1], *how)


@lru_cache(maxsize=64)
def _resampling(
    short: int, axis: Axis, sigma: float, kind: Upsampling, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "long short"]:
    """Return upsampling, blending and smoothing of one axis as one matrix: all are linear and separable."""
    upsampled = _blended(_upsampling(short // len(axis.starts), axis.side, kind), axis)
    if sigma > 0:
        upsampled = torch.from_numpy(gaussian_filter1d(upsampled.numpy(), sigma, axis=0))
    return upsampled.to(device, dtype).contiguous()


def _upsampling(short: int, long: int, kind: Upsampling) -> Float64[Tensor, "long short"]:
    """Return the matrix that upsamples one axis."""
    identity = torch.eye(short, dtype=torch.float64)[None, :, :, None]
    return F.interpolate(identity, (long, 1), mode=kind, align_corners=False)[0, :, :, 0].T


def _blended(tile: Float64[Tensor, "side short"], axis: Axis) -> Float64[Tensor, "long _"]:
    """Return the matrix of all tiles from that of one; constant scores give a constant.

    The weight of a tile's pixel falls evenly from the tile's middle to its edges, where a network sees its
    own padding in place of the image.
    """
    side, short = tile.shape
    if len(axis.starts) == 1:
        return tile
    ramp = torch.arange(side, dtype=torch.float64) + 0.5
    weights = torch.minimum(ramp, ramp.flip(0))
    blended = torch.zeros(axis.length, short * len(axis.starts), dtype=torch.float64)
    total = torch.zeros(axis.length, 1, dtype=torch.float64)
    for number, start in enumerate(axis.starts):
        blended[start : start + side, number * short : (number + 1) * short] = weights[:, None] * tile
        total[start : start + side, 0] += weights
    return blended / total
