"""The view that a fitted pipeline has of its images: their size, the region of interest and the bit depth.

Apart from the pipeline, which asks for it in each of its methods.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, final

import torch
from jaxtyping import Bool
from torch import Tensor

from padimkit.arguments.stored_state import require_state
from padimkit.errors import BadModel, BadShape, CannotMerge
from padimkit.images.depth import DEPTHS, Depth
from padimkit.images.forms import MOST_SIDE
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.resizing import Size
from padimkit.pipeline.checks import image_size
from padimkit.values import Batch

Region: TypeAlias = Bool[Tensor, "H W"] | None  # true where the model looks; None for everywhere


@final
@dataclass(frozen=True)
class View:
    """The size, the region and the depth of the images that a pipeline was fitted on.

    Args:
        size: Height and width in pixels, as the backbone sees them.
        region: True where a mask lets the model look; None for everywhere.
        depth: Bits per channel of files that have more than 8; None if it was not asked for.
    """

    size: Size
    region: Region = None
    depth: Depth | None = None

    @classmethod
    def of(cls, preprocessing: Preprocessing, size: Size, depth: Depth | None) -> "View":
        """Return the view of images of this size and depth.

        Raises:
            BadImage: The mask of the region cannot be read, or marks nothing.
            BadShape: It gets another size than the images.
        """
        region = preprocessing.region()
        if region is not None and region.shape != size:
            found, wanted = (" x ".join(map(str, pixels)) for pixels in (region.shape, size))
            raise BadShape(
                f'The mask "{preprocessing.roi}" ("roi") has {found} pixels (height x width) after the '
                f"preprocessing, the images have {wanted}. Draw it on an image as the camera gives it."
            )
        return cls(size, region, depth)

    @classmethod
    def from_state_dict(cls, preprocessing: Preprocessing, state: dict[str, Tensor]) -> "View":
        """Return the view that `state_dict` described."""
        own: dict[str, Tensor] = {name: state[name] for name in ("size", "region", "bits") if name in state}
        region = {"region": "bool height width"} if isinstance(preprocessing.roi, Path) else {}
        sizes = require_state(preprocessing, own, size="int 2", bits="int?", **region)
        size: Size = (int(own["size"][0]), int(own["size"][1]))
        if not 0 < min(size) <= max(size) <= MOST_SIDE:
            raise BadModel(f"The state says that images have {size} pixels (height x width).")
        if region and (sizes["height"], sizes["width"]) != size:
            raise BadModel(f'The state has a "region" of another size than its images, {size}.')
        if "bits" in own and int(own["bits"]) not in DEPTHS:
            raise BadModel(f'The state has {int(own["bits"])} "bits"; expected one of {DEPTHS}.')
        depth = next((bits for bits in DEPTHS if "bits" in own and bits == int(own["bits"])), None)
        return cls(size, own.get("region"), depth)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the view as tensors by name."""
        state = {"size": torch.tensor(self.size)}
        if self.region is not None:
            state["region"] = self.region
        if self.depth is not None:
            state["bits"] = torch.tensor(self.depth)
        return state

    def to(self, device: torch.device) -> "View":
        """Return the same view for maps on this device."""
        return self if self.region is None else replace(self, region=self.region.to(device))

    def preprocessing(self, given: Preprocessing) -> Preprocessing:
        """Return the preprocessing with the depth that was found, where it was to find one."""
        return given if self.depth is None else replace(given, bits=self.depth)

    def seen(self, preprocessing: Preprocessing, size: Size) -> float:
        """Return the share of an original image of this size that the model looks at, padding not counted."""
        geometry = preprocessing.geometry(size)
        if self.region is None:
            return geometry.seen
        (top, bottom), (left, right) = geometry.margins
        rows, columns = self.region.shape
        return geometry.seen * float(self.region[top : rows - bottom, left : columns - right].float().mean())

    def require(self, batch: Batch) -> None:
        """Raise BadShape unless the images of a batch have the size of the view."""
        height, width = image_size(batch)
        if (height, width) != self.size:
            raise BadShape(
                f"The model expects images of {self.size[0]} x {self.size[1]} pixels, got {height} x {width} "
                f'("{batch.paths[0]}"), height x width. If images differ in size after the preprocessing, '
                'set "resize" to [height, width], or add a "crop" or a "pad". Tensors and batches are not '
                "resized: pass the same kind as in fit, or resize them."
            )

    def require_same(self, other: "View") -> None:
        """Raise BadShape or CannotMerge if two pipelines have different views."""
        if self.size != other.size:
            raise BadShape(
                f"One pipeline was fitted on images of {self.size} pixels, the other on {other.size}."
            )
        if (self.region is None) != (other.region is None) or (
            self.region is not None
            and other.region is not None
            and not torch.equal(self.region.cpu(), other.region.cpu())
        ):
            raise CannotMerge('The masks of the two pipelines ("roi") mark different regions.')
        if None not in (self.depth, other.depth) and self.depth != other.depth:
            raise CannotMerge(
                f"One pipeline learnt from images of {self.depth} bits, the other from {other.depth}. "
                'Fit both with the same "bits" of the preprocessing.'
            )
