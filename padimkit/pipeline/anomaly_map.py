"""Anomaly maps at the size of the image, made from patch scores.

A part of its own, with a public name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from padimkit.arguments import require_choice
from padimkit.errors import BadArgument
from padimkit.values import Prediction, Scores


@dataclass(frozen=True)
class AnomalyMap:
    """Maps upsampled bicubically to the image, summed and smoothed (PaDiM paper, experimental setup).

    Args:
        sigma: Standard deviation of the Gaussian filter in pixels of the map; 0 for no smoothing.
        image_score: Take the maximum of the map after or before smoothing.
    """

    sigma: float = 4.0
    image_score: Literal["after", "before"] = "after"

    def __post_init__(self) -> None:
        require_choice("image_score", self.image_score, ("after", "before"))
        if not self.sigma >= 0:
            raise BadArgument(f'Expected "sigma" of at least 0, got {self.sigma}.')

    def predict(self, scores: Iterable[Scores], size: tuple[int, int]) -> Prediction:
        """Return maps of `size` pixels and image scores: the densities' own if all give them, else maxima."""
        scores = list(scores)
        smooth = _sum(_resampled(level.patches, size, self.sigma) for level in scores)
        peaked = smooth
        if self.image_score == "before":
            peaked = _sum(_resampled(level.patches, size, 0.0) for level in scores)
        own = [level.images for level in scores if level.images is not None]
        return Prediction(_sum(own) if len(own) == len(scores) else peaked.amax((1, 2)), smooth)


def _sum(tensors: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(tensors)).sum(0)


def _resampled(
    patches: Float[Tensor, "b h w"], size: tuple[int, int], sigma: float
) -> Float[Tensor, "b H W"]:
    kind = (patches.dtype, patches.device)
    rows = _resampling(patches.shape[1], size[0], sigma, *kind)
    columns = _resampling(patches.shape[2], size[1], sigma, *kind)
    return rows @ patches @ columns.T


@lru_cache(maxsize=64)
def _resampling(
    short: int, long: int, sigma: float, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "long short"]:
    """Return bicubic upsampling and smoothing of one axis as one matrix: both are linear and separable."""
    identity = torch.eye(short, dtype=torch.float64)[None, :, :, None]
    upsampled = F.interpolate(identity, (long, 1), mode="bicubic", align_corners=False)[0, :, :, 0].T
    if sigma > 0:
        upsampled = torch.from_numpy(gaussian_filter1d(upsampled.numpy(), sigma, axis=0))
    return upsampled.to(device, dtype).contiguous()
