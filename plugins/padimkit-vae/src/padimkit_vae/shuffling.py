"""Shuffled batches of images from a stream of embeddings, with few images in memory at a time."""

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit import BadShape, Embedding

Image = Float[Tensor, "c h w"]


def images_of(stream: Iterable[Embedding]) -> Iterator[Image]:
    """Yield the images one by one, copied, so that an image does not keep its whole batch in memory.

    Raises:
        BadShape: The images do not all have the same shape.
    """
    shape = None
    for embedding in stream:
        for image in embedding.patches:
            shape = shape or tuple(image.shape)
            if tuple(image.shape) != shape:
                raise BadShape(
                    f"Vae.fit needs images of one shape (channels, height, width), got {shape} and "
                    f"{tuple(image.shape)}. Resize and crop them alike."
                )
            yield image.clone(memory_format=torch.contiguous_format)


def shuffled(images: Iterable[Image], *, buffer: int, generator: torch.Generator) -> Iterator[Image]:
    """Yield the images in random order, each drawn from the next `buffer` images.

    The order is fully random if the buffer holds all of them.
    """
    held: list[Image] = []
    for image in images:
        if len(held) < buffer:
            held.append(image)
            continue
        index = int(torch.randint(buffer, (), generator=generator))
        yield held[index]
        held[index] = image
    for position in torch.randperm(len(held), generator=generator).tolist():
        yield held[position]


def batches(images: Iterable[Image], size: int) -> Iterator[Float[Tensor, "_ c h w"]]:
    """Yield batches of `size` images; the last may be smaller.

    A single remaining image joins the batch before it: batch normalisation needs two.
    """
    waiting: list[Image] = []
    for image in images:
        waiting.append(image)
        if len(waiting) == size + 2:
            yield torch.stack(waiting[:size])
            del waiting[:size]
    if waiting:
        yield torch.stack(waiting)
