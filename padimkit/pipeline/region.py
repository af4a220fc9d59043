"""The region of interest that a mask marks, as a fitted pipeline keeps it.

Apart from the pipeline, which is long enough.
"""

from typing import TypeAlias

import torch
from jaxtyping import Bool
from torch import Tensor

from padimkit.errors import BadShape, CannotMerge
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.resizing import Size

Region: TypeAlias = Bool[Tensor, "H W"] | None  # true where the model looks; None for everywhere


def region_of(preprocessing: Preprocessing, size: Size, device: torch.device) -> Region:
    """Return the region of images of this size as the model sees them; None if no mask is asked for.

    Raises:
        BadImage: The mask cannot be read, or marks nothing.
        BadShape: It gets another size than the images.
    """
    region = preprocessing.region()
    if region is None or region.shape == size:
        return None if region is None else region.to(device)
    found, wanted = (" x ".join(map(str, pixels)) for pixels in (region.shape, size))
    raise BadShape(
        f'The mask "{preprocessing.roi}" ("roi") has {found} pixels (height x width) after the '
        f"preprocessing, the images have {wanted}. Draw it on an image as the camera gives it."
    )


def require_same_region(own: Region, other: Region) -> None:
    """Raise CannotMerge if two pipelines look at different regions."""
    if (own is None) != (other is None) or (
        own is not None and other is not None and not torch.equal(own.cpu(), other.cpu())
    ):
        raise CannotMerge('The masks of the two pipelines ("roi") mark different regions.')


def seen(preprocessing: Preprocessing, region: Region, size: Size) -> float:
    """Return the share of an original image of this size that lies in the region, padding not counted."""
    geometry = preprocessing.geometry(size)
    if region is None:
        return geometry.seen
    (top, bottom), (left, right) = geometry.margins
    rows, columns = region.shape
    return geometry.seen * float(region[top : rows - bottom, left : columns - right].float().mean())
