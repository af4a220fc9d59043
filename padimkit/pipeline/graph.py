"""A fitted pipeline as one module of torch that can be traced: bytes in, scores and maps out.

Apart from the pipeline, which checks at each step what parts give back; a trace cannot.
"""

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from padimkit.contracts import Exportable, ExportableMapper, Levels
from padimkit.pipeline.tiling import Pyramids, Tiling
from padimkit.pipeline.view import View
from padimkit.values import Features, Scores


@final
class Graph(nn.Module):
    """The scoring path of a pipeline, for any number of images of the size that it was fitted on.

    Args:
        backbone: Turns images into features.
        levels: Divides features into embeddings.
        tiling: The tiles of images.
        score: Turns embeddings into scores.
        map: Turns scores into maps.
        view: The size and the region of the images.
    """

    def __init__(
        self,
        backbone: Callable[[Tensor], Features],
        levels: Levels,
        tiling: Tiling,
        score: Callable[[Pyramids], list[Scores]],
        map: ExportableMapper,
        view: View,
    ) -> None:
        super().__init__()
        split = levels.traceable() if isinstance(levels, Exportable) else levels.split
        self._pyramids = tiling.traceable(lambda images: split(backbone(images)))
        self._score = score
        self.example = torch.zeros(2, *view.size, 3, dtype=torch.uint8)
        with torch.no_grad():
            scores = self._scores(self.example)
        self._predict = map.traceable(scores, tiling.axes, view.region)

    def forward(self, pixels: UInt8[Tensor, "b H W 3"]) -> tuple[Float[Tensor, " b"], Float[Tensor, "b H W"]]:
        """Return the image scores and the anomaly maps of RGB images in bytes."""
        prediction = self._predict(self._scores(pixels))
        return prediction.image_scores, prediction.anomaly_maps

    def _scores(self, pixels: UInt8[Tensor, "b H W 3"]) -> list[Scores]:
        return self._score(self._pyramids((pixels.float() / 255).permute(0, 3, 1, 2)))
