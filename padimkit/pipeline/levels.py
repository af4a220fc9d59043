"""Levels, by which the layers of a backbone become embeddings: all in one, or each on its own."""

from collections.abc import Callable
from typing import Literal, TypeAlias, final, get_args

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from padimkit.arguments import require_choice
from padimkit.contracts import Exportable, Levels
from padimkit.errors import BadArgument
from padimkit.moments.averages import averages, traceable_averages
from padimkit.values import Alignment, Features, Pyramid

_MOST_WINDOW = 2**16 - 1

Pooling: TypeAlias = Literal["none", "local", "global"]
Border: TypeAlias = Literal["existing", "zeros"]
Averages: TypeAlias = Callable[[Float[Tensor, "b c h w"]], Float[Tensor, "b c"]]


@final
class Joint(Levels, Exportable):
    """All layers in one embedding, aligned to the finest and concatenated (PaDiM paper, section III-A).

    Args:
        pooling: Average each layer over neighbouring positions, or over all, before the alignment.
        window: Side of the neighbourhood for local pooling, in positions; odd.
        alignment: By nearest neighbour, as in PaDiM, or bilinear, as in some descriptions of SPADE.
        border: Neighbours beyond the border in local pooling: "existing" leaves them out; "zeros" takes them
            for zeros, as the program of PatchCore's authors does.
    """

    def __init__(
        self,
        pooling: Pooling = "none",
        window: int = 3,
        alignment: Alignment = "nearest",
        border: Border = "existing",
    ) -> None:
        self.pooling = pooling
        self.window = window
        self.alignment = alignment
        self.border = border
        check_pooling(pooling, window, border)
        require_choice("alignment", alignment, get_args(Alignment))

    def split(self, features: Features) -> dict[str, Pyramid]:
        """Return one embedding, "joint", with the channels of all layers."""
        return self._split(features, averages)

    def traceable(self) -> Callable[[Features], dict[str, Pyramid]]:
        return lambda features: self._split(features, traceable_averages)

    def _split(self, features: Features, average: Averages) -> dict[str, Pyramid]:
        layers = features.maps.values()
        maps = tuple(_pooled(maps, self.pooling, self.window, self.border, average) for maps in layers)
        return {"joint": Pyramid(maps, features.descriptor, self.alignment)}


@final
class Separate(Levels, Exportable):
    """One embedding per layer, at its own resolution (PaDiM paper, Table I: "Layer 1+2+3"; MahalanobisAD).

    Args:
        pooling: Average each layer over neighbouring positions, or over all.
        window: Side of the neighbourhood for local pooling, in positions; odd.
        border: Neighbours beyond the border in local pooling: "existing" leaves them out; "zeros" takes them
            for zeros.
    """

    def __init__(self, pooling: Pooling = "none", window: int = 3, border: Border = "existing") -> None:
        self.pooling = pooling
        self.window = window
        self.border = border
        check_pooling(pooling, window, border)

    def split(self, features: Features) -> dict[str, Pyramid]:
        """Return one embedding per layer, under the layer's name."""
        return self._split(features, averages)

    def traceable(self) -> Callable[[Features], dict[str, Pyramid]]:
        return lambda features: self._split(features, traceable_averages)

    def _split(self, features: Features, average: Averages) -> dict[str, Pyramid]:
        return {
            layer: Pyramid(
                (_pooled(maps, self.pooling, self.window, self.border, average),), features.descriptor
            )
            for layer, maps in features.maps.items()
        }


def _pooled(
    maps: Float[Tensor, "b c h w"], pooling: Pooling, window: int, border: Border, average: Averages
) -> Float[Tensor, "b c h2 w2"]:
    """Return the maps, or their averages over `window` x `window` neighbours or over all positions.

    At the border, averages are taken over the existing neighbours, or over these and zeros.
    """
    if pooling == "global":
        return average(maps)[:, :, None, None]
    if pooling == "local":
        return F.avg_pool2d(maps, window, stride=1, padding=window // 2, count_include_pad=border == "zeros")
    return maps


def check_pooling(pooling: Pooling, window: int, border: Border = "existing") -> None:
    """Raise BadArgument unless pooling and border are known and the window has a centre."""
    require_choice("pooling", pooling, get_args(Pooling))
    require_choice("border", border, get_args(Border))
    if window < 1 or window % 2 == 0 or window > _MOST_WINDOW:
        raise BadArgument(f'Expected an odd "window" of at least 1 and at most {_MOST_WINDOW}, got {window}.')
