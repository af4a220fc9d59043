"""Distances of the patches of one image to the nearest patches of others."""

import faiss
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.errors import BadArgument

Layers = list[Float[Tensor, "_ _"]]


def nearest_distances(query: Layers, images: list[Layers], count: int) -> Float[Tensor, "p k"]:
    """Return exact squared distances of each patch to the `count` nearest patches of all images.

    Args:
        query: Vectors "p c" of one image by layer, the finest first, in the order of a gallery.
        images: The vectors of other images, in the same form.
        count: Number of distances to keep, or all if there are fewer patches.

    The squared distance of concatenated, aligned vectors is the sum over layers, and all positions under one
    coarser position share its part. So the nearest under each coarser position are found first, and only they
    get the part of the coarser layer: layer by layer, each at its own resolution.
    """
    best = query[0].new_empty(len(query[0]), 0)
    for image in images:
        best = smallest(torch.cat([best, _image_distances(query, image, count)], dim=1), count)
    for vectors in query:
        best += vectors.square().sum(1).repeat_interleave(len(best) // len(vectors))[:, None]
    return best.clamp(min=0).sort(1).values


def indexed_distances(query: Layers, images: list[Layers], count: int, index: str) -> Float[Tensor, "p k"]:
    """Return the distances that a FAISS index over aligned, concatenated vectors finds.

    Raises:
        BadArgument: The index does not suit the vectors, needs more of them, or finds too few.
    """
    gallery = np.concatenate([_aligned(image) for image in images])
    try:
        made = faiss.index_factory(gallery.shape[1], index)
        if not made.is_trained:
            made.train(gallery)
        made.add(gallery)
    except RuntimeError as error:
        reason = str(error).splitlines()[0].rpartition(": ")[2]
        raise BadArgument(
            f'The index "{index}" cannot be made of {len(gallery)} vectors of {gallery.shape[1]} dimensions: '
            f"{reason}."
        ) from error
    distances, found = made.search(_aligned(query), min(count, len(gallery)))
    if found.min(initial=0) < 0:
        raise BadArgument(
            f'The index "{index}" finds fewer than {count} neighbours of some patches among {len(gallery)}. '
            'Use one that searches more of them, or "Flat".'
        )
    return torch.from_numpy(distances).to(query[0])


def _image_distances(query: Layers, image: Layers, count: int) -> Float[Tensor, "p k"]:
    """Return each patch's smallest squared distances, minus the patch's squared length, common to all."""
    positions = len(query[0])
    kept = _products(query[0], image[0])[:, :, None]
    for layer, others in zip(query[1:], image[1:], strict=True):
        cells = len(others)
        kept = smallest(kept.reshape(positions, cells, -1), count)
        rows = kept.view(len(layer), positions // len(layer), cells, kept.shape[2])
        rows += _products(layer, others)[:, None, :, None]
    return smallest(kept.reshape(positions, -1), count)


def _products(query: Float[Tensor, "q c"], others: Float[Tensor, "g c"]) -> Float[Tensor, "q g"]:
    """Return |g|^2 - 2 q.g for each pair."""
    return torch.addmm(others.square().sum(1)[None], query, others.T, alpha=-2)


def smallest(values: Float[Tensor, "*rows m"], count: int) -> Float[Tensor, "*rows k"]:
    """Return this many smallest values of each row, in any order, or all where there are fewer."""
    if values.shape[-1] <= count:
        return values
    if count == 1:
        return values.amin(-1, keepdim=True)
    found: Tensor = values.topk(count, dim=-1, largest=False, sorted=False).values
    return found


def _aligned(layers: Layers) -> np.ndarray:
    positions = len(layers[0])
    aligned = [vectors.repeat_interleave(positions // len(vectors), dim=0) for vectors in layers]
    return np.ascontiguousarray(torch.cat(aligned, dim=1).cpu().numpy(), dtype=np.float32)
