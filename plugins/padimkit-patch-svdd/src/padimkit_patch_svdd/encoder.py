"""The encoders of small and of large patches, of which the large one aggregates four of the small."""

from itertools import pairwise
from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

_WIDTHS = (2, 4, 4, 2, 1, 1)  # of the layers between the first and the last, in units of the first
LARGE_STRIDE = 4  # strides of small patches between large ones: 16 pixels and 4 in the paper
SLOPE = 0.1  # of leaky rectifiers


@final
class Encoder(nn.Module):
    """Two networks without padding, so that a patch has the same embedding wherever it lies.

    Args:
        channels: Channels of the images.
        patch: Side of a small patch; a large one is twice as wide. A multiple of 4: each layer of 3 x 3 after
            the first, which halves, adds 4 pixels. 32 has the eight layers of the authors' program.
        width: Channels of the first layer.
        dimension: Channels of the embeddings.
    """

    def __init__(self, *, channels: int, patch: int, width: int, dimension: int) -> None:
        super().__init__()
        self.patch = patch
        between = [width * factor for factor in _WIDTHS[: patch // 4 - 2]]
        widths = [width, *between, dimension]
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, stride=2)]
        for before, after in pairwise(widths):
            layers += [nn.LeakyReLU(SLOPE), nn.Conv2d(before, after, 3)]
        self.small = nn.Sequential(*layers, nn.Tanh())
        self.aggregation = nn.Conv2d(dimension, 4 * width, 2)
        self.mixing = nn.Conv2d(4 * width, dimension, 1)

    def embed_small(self, patches: Float[Tensor, "b c k k"]) -> Float[Tensor, "b d"]:
        """Return the embeddings of small patches."""
        return self.small(patches).flatten(1)  # type: ignore[no-any-return]

    def embed_large(self, patches: Float[Tensor, "b c k k"]) -> Float[Tensor, "b d"]:
        """Return the embeddings of large patches, from those of their quarters."""
        rows = torch.cat(torch.split(patches, self.patch, 2))
        quarters = torch.cat(
            torch.split(rows, self.patch, 3)
        )  # upper left, lower left, upper right, lower right
        embedded = self.embed_small(quarters).reshape(2, 2, len(patches), -1)
        return self._aggregated(embedded.permute(2, 3, 1, 0)).flatten(1)

    def embed_all(
        self, images: Float[Tensor, "b c H W"], *, stride: int
    ) -> tuple[Float[Tensor, "b d h w"], Float[Tensor, "b d i j"]]:
        """Return the embeddings of all small patches at a stride, and of all large ones at four times it.

        A pass over the whole image shares what patches that overlap have in common. The stride is even and
        divides the patch, so that the quarters of each large patch are among the small ones.
        """
        rows, columns = (grid(size, patch=self.patch, stride=stride) for size in images.shape[2:])
        step = stride // 2  # the first layer halves
        small = self.small(images)[:, :, : rows * step : step, : columns * step : step]
        return small, self._aggregated(small, stride=LARGE_STRIDE, dilation=self.patch // stride)

    def _aggregated(
        self, embedded: Float[Tensor, "b d h w"], *, stride: int = 1, dilation: int = 1
    ) -> Float[Tensor, "b d i j"]:
        weight, bias = self.aggregation.weight, self.aggregation.bias
        joined = F.conv2d(embedded, weight, bias, stride=stride, dilation=dilation)
        return self.mixing(F.leaky_relu(joined, SLOPE)).tanh()  # type: ignore[no-any-return]


def grid(size: int, *, patch: int, stride: int) -> int:
    """Return how many patches lie side by side within `size` pixels."""
    return (size - patch) // stride + 1
