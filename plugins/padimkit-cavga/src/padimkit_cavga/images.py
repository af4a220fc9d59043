"""The training images, kept for epochs in any order, and what standardises them.

Apart from the density: where they are kept is a matter of memory.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit import BadData, BadShape, Embedding
from padimkit.memory import IN_MEMORY, ON_DISK


def kept(stream: Iterable[Embedding], *, budget: float) -> list[Float[Tensor, "c h w"]]:
    """Return copies of all images, in memory up to `budget` bytes and in temporary files beyond.

    Raises:
        BadData: There are fewer than two.
        BadShape: They do not all have the same shape.
    """
    images: list[Tensor] = []
    held = 0
    for embedding in stream:
        batch = embedding.patches
        if images and batch.shape[1:] != images[0].shape:
            raise BadShape(
                f"Cavga.fit needs images of one shape (channels, height, width), got "
                f"{tuple(images[0].shape)} and {tuple(batch.shape[1:])}. Resize and crop them alike."
            )
        held += batch.nbytes
        images.extend((IN_MEMORY if held <= budget else ON_DISK).copy(batch))
    if len(images) < 2:  # batch normalisation learns nothing from one
        raise BadData(f"Cavga.fit needs at least 2 images, found {len(images)}.")
    return images


def mean_and_deviation(
    images: list[Float[Tensor, "c h w"]],
) -> tuple[Float[Tensor, " c"], Float[Tensor, " c"]]:
    """Return the mean of each channel and its standard deviation, which is 1 for a constant channel."""
    mean = torch.stack([image.double().mean((1, 2)) for image in images]).mean(0)
    squares = [(image.double() - mean[:, None, None]).square().mean((1, 2)) for image in images]
    deviation = torch.stack(squares).mean(0).sqrt()
    deviation = torch.where(deviation > 1e-6 * mean.abs(), deviation, torch.ones_like(deviation))
    return mean.float(), deviation.float()
