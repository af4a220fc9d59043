"""The backbone old_backbone, which turns images into feature maps."""

import torch
import torch.nn.functional as F
from padimkit import Backbone, Features
from torch import Tensor


class OldBackbone(Backbone):
    """Mean colours, and how much they change from pixel to pixel, in squares of two sizes.

    Args:
        side: Side of the smaller squares in pixels; the larger ones have twice as many.
    """

    def __init__(self, side: int = 8) -> None:
        self.side = side

    @torch.no_grad()
    def extract(self, images: Tensor) -> Features:
        """Return maps "b c h w" of images "b 3 H W" in [0, 1], the finest first."""
        edges_down = F.pad(images.diff(dim=2).abs(), (0, 0, 0, 1))
        edges_across = F.pad(images.diff(dim=3).abs(), (0, 1))
        fine = F.avg_pool2d(torch.cat([images, edges_down, edges_across], dim=1), self.side)
        return Features({"fine": fine, "coarse": F.avg_pool2d(fine, 2)})

    def to(self, device: torch.device) -> None:
        """Move the weights; this backbone has none, and computes on the device of the images."""
