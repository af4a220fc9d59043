"""The training images, kept for patches to be cut from them in any order.

Apart from the density: where they are kept is a matter of memory.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit import BadData, BadShape, Embedding
from padimkit.memory import IN_MEMORY, ON_DISK


def centred(
    stream: Iterable[Embedding], *, budget: float
) -> tuple[list[Float[Tensor, "c h w"]], Float[Tensor, "c h w"]]:
    """Return copies of all images without the mean image, and that mean.

    Args:
        stream: The images.
        budget: Bytes that may be kept in memory; what is beyond lies in temporary files.

    Raises:
        BadData: There is none.
        BadShape: They do not all have the same shape.
    """
    images: list[Tensor] = []
    kept, total = 0, None
    for embedding in stream:
        batch = embedding.patches
        if images and batch.shape[1:] != images[0].shape:
            raise BadShape(
                f"PatchSvdd.fit needs images of one shape (channels, height, width), got "
                f"{tuple(images[0].shape)} and {tuple(batch.shape[1:])}. Resize and crop them alike."
            )
        kept += batch.nbytes
        copies = (IN_MEMORY if kept <= budget else ON_DISK).copy(batch)
        for image in copies:  # one by one, so that the sum does not depend on batches
            images.append(image)
            total = image.double() if total is None else total + image
    if total is None:
        raise BadData("PatchSvdd.fit was given no embeddings.")
    mean = (total / len(images)).to(torch.float32)
    for image in images:
        image -= mean
    return images, mean
