"""How the layers of a backbone become embeddings: all in one, or each on its own."""

from abc import ABC, abstractmethod
from typing import final, get_args

from padimkit.choices import require_choice
from padimkit.pooling import Pooling, check_pooling, pooled
from padimkit.values import Alignment, Features, Pyramid


class Levels(ABC):
    """Sorts feature maps into embeddings; each gets a reducer and a density, and their maps are summed."""

    @abstractmethod
    def split(self, features: Features) -> dict[str, Pyramid]:
        """The embeddings, yet to be aligned, by name; the same names for all images."""


@final
class Joint(Levels):
    """Align all layers to the finest and concatenate them (PaDiM paper, section III-A).

    Args:
        pooling: Average each layer over its neighbouring positions, or over all, before aligning.
        window: Side of the neighbourhood for local pooling, in positions; odd.
        alignment: By nearest neighbour, as PaDiM does, or bilinearly, as some describe SPADE.
    """

    def __init__(self, pooling: Pooling = "none", window: int = 3, alignment: Alignment = "nearest") -> None:
        self.pooling = pooling
        self.window = window
        self.alignment = alignment
        check_pooling(pooling, window)
        require_choice("alignment", alignment, get_args(Alignment))

    def split(self, features: Features) -> dict[str, Pyramid]:
        """One embedding, "joint", with the channels of all layers."""
        maps = tuple(pooled(map_, self.pooling, self.window) for map_ in features.maps.values())
        return {"joint": Pyramid(maps, features.descriptor, self.alignment)}


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

    def split(self, features: Features) -> dict[str, Pyramid]:
        """One embedding per layer, under the layer's name."""
        return {
            layer: Pyramid((pooled(map_, self.pooling, self.window),), features.descriptor)
            for layer, map_ in features.maps.items()
        }
