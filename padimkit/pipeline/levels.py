"""How the layers of a backbone become embeddings: all in one, or each on its own."""

from abc import ABC, abstractmethod
from typing import Literal, TypeAlias, final, get_args

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from padimkit.arguments import require_choice, shown
from padimkit.errors import BadArgument
from padimkit.values import Alignment, Features, Pyramid

Pooling: TypeAlias = Literal["none", "local", "global"]


class Levels(ABC):
    """Sorts feature maps into embeddings; each gets a reducer and a density, and their maps are summed."""

    __repr__ = shown

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


def pooled(maps: Float[Tensor, "b c h w"], pooling: Pooling, window: int) -> Float[Tensor, "b c h2 w2"]:
    """The maps themselves, their averages over `window` x `window` neighbours, or over all positions.

    At the border the average is taken over the neighbours that exist.
    """
    if pooling == "global":
        return maps.mean((2, 3), keepdim=True)
    if pooling == "local":
        return F.avg_pool2d(maps, window, stride=1, padding=window // 2, count_include_pad=False)
    return maps


def check_pooling(pooling: Pooling, window: int) -> None:
    """Raises BadArgument unless there is such a pooling, and a window of this side has a centre."""
    require_choice("pooling", pooling, get_args(Pooling))
    if window < 1 or window % 2 == 0:
        raise BadArgument(f'Expected an odd "window" of at least 1, got {window}.')
