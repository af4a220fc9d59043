"""SPADE's scores as operations that can be traced: products of matrices for all images at a time.

Apart from the density, which searches by FAISS and image by image.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.densities._gallery import Gallery, cell_orders, is_nested
from padimkit.densities._nearest import smallest
from padimkit.values import Pyramid, Scores

Layers = list[Float[Tensor, "b _ _"]]


@dataclass(frozen=True)
class Neighbours:
    """The numbers of neighbours, as `Spade` has them."""

    images: int
    gallery: int
    patches: int


def traceable_scores(
    gallery: Gallery, counts: Neighbours, descriptor_of: Callable[[Pyramid], Float[Tensor, "b e"]]
) -> Callable[[Pyramid], Scores]:
    """Return a function that gives the scores of images by this gallery."""
    known, layers, grids = gallery.descriptors, gallery.layers, gallery.grids
    orders = cell_orders(grids)
    lengths = [layer.square().sum(2) for layer in layers]
    back = orders[0].argsort()  # from the order of the gallery to rows and columns
    height, width = grids[0]

    def score(pyramid: Pyramid) -> Scores:
        between = (descriptor_of(pyramid)[:, None] - known[None]).square().sum(2)
        distances, nearest = between.topk(max(counts.images, counts.gallery), dim=1, largest=False)
        query = _vectors(pyramid, orders)
        # Taken at one go: OpenVINO would keep a gallery of its own for each time that some of it is taken.
        taken = nearest[:, : counts.gallery].flatten()
        images, squares = (
            [
                layer.index_select(0, taken).reshape(nearest.shape[0], counts.gallery, *layer.shape[1:])
                for layer in known
            ]
            for known in (layers, lengths)
        )
        best = query[0].new_zeros(0)
        for place in range(counts.gallery):
            image, square = ([layer[:, place] for layer in one] for one in (images, squares))
            own = _image_distances(query, image, square, counts.patches)
            best = own if place == 0 else smallest(torch.cat([best, own], dim=2), counts.patches)
        for vectors in query:
            share = best.shape[1] // vectors.shape[1]
            repeated = vectors.square().sum(2)[:, :, None].expand(-1, -1, share)
            best = best + repeated.reshape(-1, best.shape[1], 1)
        patches = best.clamp(min=0).mean(2).index_select(1, back)
        return Scores(patches.reshape(-1, height, width), distances[:, : counts.images].mean(1))

    return score


def _vectors(pyramid: Pyramid, orders: tuple[Tensor, ...]) -> Layers:
    maps = pyramid.maps if is_nested(pyramid) else (pyramid.embedding().patches,)
    return [
        feature_map.permute(0, 2, 3, 1).flatten(1, 2).index_select(1, order)
        for feature_map, order in zip(maps, orders, strict=True)
    ]


def _image_distances(
    query: Layers, image: Layers, lengths: list[Float[Tensor, "b _"]], count: int
) -> Float[Tensor, "b p k"]:
    """Return each patch's smallest squared distances, minus its squared length; see `nearest_distances`."""
    positions = query[0].shape[1]
    kept = _products(query[0], image[0], lengths[0])[:, :, :, None]
    for layer, others, length in zip(query[1:], image[1:], lengths[1:], strict=True):
        cells, coarse = others.shape[1], layer.shape[1]
        kept = smallest(kept.reshape(-1, positions, cells, kept.shape[2] * kept.shape[3] // cells), count)
        rows = kept.reshape(-1, coarse, positions // coarse, cells, kept.shape[3])
        rows = rows + _products(layer, others, length)[:, :, None, :, None]
        kept = rows.reshape(-1, positions, cells, kept.shape[3])
    return smallest(kept.reshape(-1, positions, kept.shape[2] * kept.shape[3]), count)


def _products(
    query: Float[Tensor, "b q c"], others: Float[Tensor, "b g c"], lengths: Float[Tensor, "b g"]
) -> Float[Tensor, "b q g"]:
    """Return |g|^2 - 2 q.g for each pair of an image."""
    return lengths[:, None] - 2 * (query @ others.transpose(1, 2))
