"""How the layers of a backbone become embeddings: all in one, or each on its own."""

from abc import ABC, abstractmethod
from typing import final

import torch
import torch.nn.functional as F

from padimkit.pooling import Pooling, check_pooling, pooled
from padimkit.values import Embedding, Features


class Levels(ABC):
    """Sorts feature maps into embeddings; each gets a reducer and a density, and their maps are summed."""

    @abstractmethod
    def split(self, features: Features) -> dict[str, Embedding]:
        """The embeddings by name, the same names for all images."""


@final
class Joint(Levels):
    """Align all layers to the finest by nearest neighbour and concatenate them (PaDiM paper, section III-A).

    Args:
        pooling: Average each layer over its neighbouring positions, or over all, before aligning.
        window: Side of the neighbourhood for local pooling, in positions; odd.
    """

    def __init__(self, pooling: Pooling = "none", window: int = 3) -> None:
        self.pooling = pooling
        self.window = window
        check_pooling(pooling, window)

    def split(self, features: Features) -> dict[str, Embedding]:
        """One embedding, "joint", with the channels of all layers."""
        maps = [pooled(map_, self.pooling, self.window) for map_ in features.maps.values()]
        size = maps[0].shape[2:]
        aligned = [map_ if map_.shape[2:] == size else F.interpolate(map_, size) for map_ in maps]
        patches = aligned[0] if len(aligned) == 1 else torch.cat(aligned, dim=1)
        return {"joint": Embedding(patches, features.descriptor)}


@final
class Separate(Levels):
    """Keep each layer at its own resolution (PaDiM paper, Table I: "Layer 1+2+3"; MahalanobisAD).

    Args:
        pooling: Average each layer over its neighbouring positions, or over all.
        window: Side of the neighbourhood for local pooling, in positions; odd.
    """

    def __init__(self, pooling: Pooling = "none", window: int = 3) -> None:
        self.pooling = pooling
        self.window = window
        check_pooling(pooling, window)

    def split(self, features: Features) -> dict[str, Embedding]:
        """One embedding per layer, under the layer's name."""
        return {
            layer: Embedding(pooled(map_, self.pooling, self.window), features.descriptor)
            for layer, map_ in features.maps.items()
        }
