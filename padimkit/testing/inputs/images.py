"""Made-up pictures: coarse colours with fine grain, of the size that the paper's pipelines see.

They stand beside the other made-up inputs, one module for each kind of value.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from padimkit.testing.answers import DataSet
from padimkit.testing.inputs.scale import size_or

SIZE = 224  # divisible by 14, 16 and 32, as many networks require
RECTANGLE = (97, 161)  # not square, and odd, so that no stride divides it
WIDE = (192, 320)  # not square, and divisible by 64


def pictures(data: DataSet, count: int = 2, size: tuple[int, int] | None = None) -> Float[Tensor, "b 3 H W"]:
    """Return RGB pictures in [0, 1], of the size that the class chooses if none is given."""
    size = size_or((SIZE, SIZE)) if size is None else size
    generator = torch.Generator().manual_seed(1 if data == "first" else 2)
    coarse = torch.rand(count, 3, 7, 7, generator=generator)
    grain = torch.rand(count, 3, *size, generator=generator)
    return 0.7 * F.interpolate(coarse, size) + 0.3 * grain


def plain(value: float) -> Float[Tensor, "1 3 H W"]:
    """Return one picture of a single grey."""
    return torch.full((1, 3, *size_or((SIZE, SIZE))), value)


def with_other_corner(images: Float[Tensor, "b 3 H W"]) -> Float[Tensor, "b 3 H W"]:
    """Return the same pictures, negative in the upper right corner."""
    changed, (height, width) = images.clone(), images.shape[2:]
    corner = changed[:, :, : height // 4, -(width // 4) :]
    corner.copy_(1 - corner)
    return changed


def with_other_square(images: Float[Tensor, "b 3 H W"], *, turned: bool) -> Float[Tensor, "b 3 H W"]:
    """Return the same pictures, negative in a square off the centre, or in the one opposite to it."""
    changed, (height, width) = images.clone(), images.shape[2:]
    rows, columns = slice(2 * height // 7, 3 * height // 7), slice(4 * width // 7, 5 * width // 7)
    view = changed.rot90(2, (2, 3)) if turned else changed
    view[:, :, rows, columns] = 1 - view[:, :, rows, columns]
    return view.rot90(2, (2, 3)) if turned else view
