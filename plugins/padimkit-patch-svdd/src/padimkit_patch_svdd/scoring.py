"""From the embeddings of patches to the scores of pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from padimkit_patch_svdd.encoder import Encoder, grid


@dataclass(frozen=True)
class Scale:
    """Patches of one size at one stride, in pixels."""

    patch: int
    stride: int

    def map(
        self, embedded: Float[Tensor, "b d h w"], bank: Float[Tensor, "n d"], *, size: tuple[int, int]
    ) -> Float[Tensor, "b H W"]:
        """Return how far the patches of each pixel are from normal ones, for images of this size."""
        found = distances(embedded, bank.to(embedded.device))
        return spread(found, patch=self.patch, stride=self.stride, size=size)

    def positions(self, size: tuple[int, int]) -> int:
        """Return how many patches an image has."""
        height, width = (grid(side, patch=self.patch, stride=self.stride) for side in size)
        return height * width


@torch.no_grad()
def banks(
    encoder: Encoder, images: Sequence[Float[Tensor, "c h w"]], *, stride: int
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]]:
    """Return the embeddings of all small and of all large patches of the images."""
    found = [encoder.embed_all(image[None], stride=stride) for image in images]
    small, large = (
        torch.cat([maps.movedim(1, 3).flatten(0, 2) for maps in size]) for size in zip(*found, strict=True)
    )
    return small, large


def distances(embedded: Float[Tensor, "b d h w"], bank: Float[Tensor, "n d"]) -> Float[Tensor, "b h w"]:
    """Return the Euclidean distance of each embedding from the nearest in the bank, exactly."""
    vectors = embedded.movedim(1, 3).flatten(0, 2)
    _, found = faiss.knn(_array(vectors), _array(bank), 1)
    nearest = bank[torch.from_numpy(found[:, 0]).to(bank.device)]
    # Measured again: the search expands the square, which leaves few digits of small distances.
    measured: Tensor = (vectors - nearest).norm(dim=1)
    return measured.reshape(len(embedded), *embedded.shape[2:])


def spread(
    scores: Float[Tensor, "b h w"], *, patch: int, stride: int, size: tuple[int, int]
) -> Float[Tensor, "b H W"]:
    """Return for each pixel the mean score of the patches that cover it.

    Pixels at the lower and the right border that no patch covers, since the stride does not end there, have
    the score of the nearest pixel that one covers.
    """
    kernel = scores.new_ones(1, 1, patch, patch)
    total = F.conv_transpose2d(scores[:, None], kernel, stride=stride)
    count = F.conv_transpose2d(torch.ones_like(scores[:1, None]), kernel, stride=stride)
    missing = (0, size[1] - total.shape[3], 0, size[0] - total.shape[2])
    return F.pad(total / count, missing, mode="replicate")[:, 0]


def _array(vectors: Float[Tensor, "n d"]) -> np.ndarray:
    return np.ascontiguousarray(vectors.cpu().numpy(), dtype=np.float32)
