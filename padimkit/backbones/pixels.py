"""The image itself as features."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.contracts import Backbone
from padimkit.values import Features


@final
class Pixels(Backbone):
    """Take the RGB values themselves as the one layer "pixels"."""

    def extract(self, images: Float[Tensor, "b 3 H W"]) -> Features:
        """The images, unchanged."""
        return Features({"pixels": images})

    def to(self, device: torch.device) -> None:
        """Nothing to move."""
