"""The image itself as features.

A part of its own.
"""

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.contracts import Backbone, Exportable
from padimkit.values import Features


@final
class Pixels(Backbone, Exportable):
    """The RGB values themselves as the only layer, "pixels"."""

    def extract(self, images: Float[Tensor, "b 3 H W"]) -> Features:
        """Return the images, unchanged."""
        return Features({"pixels": images})

    def traceable(self) -> Callable[[Tensor], Features]:
        """Return the same."""
        return self.extract

    def to(self, device: torch.device) -> None:
        """Do nothing: there are no weights to move."""
