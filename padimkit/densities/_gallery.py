"""The features of all training images, layer by layer, in an order that suits the coarser layers."""

from functools import lru_cache
from itertools import pairwise
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from padimkit.arguments.stored_state import require_state
from padimkit.errors import BadModel, BadShape
from padimkit.memory import IN_MEMORY, ON_DISK, Allocator
from padimkit.values import Pyramid

Grid = tuple[int, int]


@final
class Gallery:
    """Vectors of n images: "n p c" for each layer, the finest first, and one descriptor "n e" per image.

    If each position of a coarser layer covers a whole number of finer ones, layers keep their own resolution,
    with positions in an order that puts those under one coarser position next to each other. Otherwise the
    layers are aligned and become one.

    Args:
        budget: Bytes that may be in memory; further vectors are kept in temporary files.
    """

    def __init__(self, budget: float) -> None:
        self.grids: tuple[Grid, ...] = ()
        self._budget = budget
        self._layers: list[list[Tensor]] = []
        self._descriptors: list[Tensor] = []

    @property
    def count(self) -> int:
        """The number of images."""
        return sum(len(batch) for batch in self._descriptors)

    @property
    def descriptors(self) -> Float[Tensor, "n e"]:
        """The descriptors of all images."""
        return torch.cat(self._descriptors)

    def add(self, pyramid: Pyramid, descriptor: Float[Tensor, "b e"]) -> None:
        """Add the features of more images."""
        layers = self.vectors(pyramid)
        if not self._layers:
            self._layers = [[] for _ in layers]
        for kept, vectors in zip(self._layers, layers, strict=True):
            kept.append(self._allocator(vectors).copy(vectors))
        self._descriptors.append(descriptor.clone())

    def vectors(self, pyramid: Pyramid) -> list[Float[Tensor, "b _ _"]]:
        """Return the vectors of images, with positions in the order of the gallery.

        Raises:
            BadShape: The grids differ from those of earlier images.
        """
        maps = pyramid.maps if is_nested(pyramid) else (pyramid.embedding().patches,)
        grids = tuple((feature_map.shape[2], feature_map.shape[3]) for feature_map in maps)
        self.grids = self.grids or grids
        if grids != self.grids:
            raise BadShape(f"The gallery has layers of {self.grids} positions, got {grids}.")
        orders = cell_orders(grids)
        return [
            feature_map.permute(0, 2, 3, 1).flatten(1, 2)[:, order]
            for feature_map, order in zip(maps, orders, strict=True)
        ]

    @property
    def layers(self) -> list[Float[Tensor, "n _ _"]]:
        """The vectors of all images, layer by layer."""
        return [torch.cat(batches) for batches in self._layers]

    def image(self, index: int) -> list[Float[Tensor, "_ _"]]:
        """Return the vectors "p c" of one image, layer by layer."""
        for number, batch in enumerate(self._descriptors):
            if index < len(batch):
                return [layer[number][index] for layer in self._layers]
            index -= len(batch)
        raise IndexError(index)

    def state_dict(self) -> dict[str, Tensor]:
        """Return all vectors, descriptors and grids."""
        layers = {f"layer{number}": torch.cat(batches) for number, batches in enumerate(self._layers)}
        return layers | {"descriptors": self.descriptors, "grids": torch.tensor(self.grids)}

    @classmethod
    def from_state_dict(cls, state: dict[str, Tensor], budget: float) -> "Gallery":
        """Return the gallery of a state that `state_dict` returned.

        Raises:
            BadModel: It does not hold the vectors of all positions of all images.
        """
        _require_gallery(state)
        gallery = cls(budget)
        gallery.grids = tuple((int(height), int(width)) for height, width in state["grids"].tolist())
        gallery._descriptors = [state["descriptors"].clone()]
        for number in range(len(gallery.grids)):
            vectors = state[f"layer{number}"]
            gallery._layers.append([gallery._allocator(vectors).copy(vectors)])
        return gallery

    def _allocator(self, vectors: Tensor) -> Allocator:
        used = sum(batch.nbytes for layer in self._layers for batch in layer)
        return IN_MEMORY if used + vectors.nbytes <= self._budget else ON_DISK


def _require_gallery(state: dict[str, Tensor]) -> None:
    layers = sum(name.startswith("layer") for name in state)
    forms = {f"layer{number}": f"float n positions{number} channels{number}" for number in range(layers)}
    sizes = require_state(Gallery(0.0), state, grids=f"int {layers} 2", descriptors="float n e", **forms)
    grids = state["grids"].tolist()
    wrong = [
        number
        for number, (height, width) in enumerate(grids)
        if min(height, width) < 1 or height * width != sizes[f"positions{number}"]
    ]
    if wrong or not grids or not sizes["n"]:
        raise BadModel(f'The state of Gallery has "grids" of {grids}, which its layers do not have.')


def is_nested(pyramid: Pyramid) -> bool:
    """Return whether nearest alignment repeats each coarser position a whole number of times on each axis."""
    grids = [feature_map.shape[2:] for feature_map in pyramid.maps]
    return pyramid.alignment == "nearest" and all(
        fine % coarse == 0
        for finer, coarser in pairwise(grids)
        for fine, coarse in zip(finer, coarser, strict=True)
    )


@lru_cache(maxsize=16)
def cell_orders(grids: tuple[Grid, ...]) -> tuple[Int[Tensor, " _"], ...]:
    """Return each layer's flat positions, sorted by the positions that cover them, the coarsest first."""
    orders = []
    for level, (height, width) in enumerate(grids):
        rows, columns = np.divmod(np.arange(height * width), width)
        covers = [
            (rows * above // height) * across + columns * across // width for above, across in grids[level:]
        ]
        orders.append(torch.from_numpy(np.lexsort(covers)))  # the last key is the first to sort by
    return tuple(orders)
