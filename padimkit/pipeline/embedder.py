"""The way from images to embeddings: tiles, backbone and levels.

Apart from the pipeline, which fits and scores what comes out of it.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from padimkit.contracts import Backbone, Levels
from padimkit.errors import BadData
from padimkit.images.tiles import Tiles
from padimkit.pipeline.checks import (
    image_size,
    require_anomalous,
    require_features,
    require_images,
    require_normal,
)
from padimkit.pipeline.learning import Pyramids, Shares
from padimkit.pipeline.tiling import Tiling
from padimkit.pipeline.view import View
from padimkit.stages import BACKBONE, EMBEDDING, READ, stage, staged
from padimkit.values import Batch, Pyramid


class WrappedBackbone(Backbone):
    """A backbone around another one, whose name errors about features give."""

    @property
    @abstractmethod
    def inner(self) -> Backbone:
        """The backbone that computes the features."""


@final
@dataclass(frozen=True)
class Embedder:
    """The parts of a pipeline that images go through before anything is learnt.

    Args:
        backbone: Turns tiles into feature maps.
        levels: Divides feature maps into embeddings.
        tiles: How images are cut, if they are.
        device: The device of the backbone.
    """

    backbone: Backbone
    levels: Levels
    tiles: Tiles | None
    device: torch.device

    def stream(
        self, batches: Iterable[Batch], view: View, *, least: int, start: tuple[Batch, Pyramids] | None = None
    ) -> Iterator[Pyramids]:
        """Yield the embeddings of normal images; those of `start` are known, and used if it comes first.

        Raises:
            BadData: An image is labelled anomalous, or there are fewer than `least`.
        """
        count, path = 0, ""
        for batch in staged(READ, batches):
            require_normal(batch)
            count += len(batch.paths)
            path = batch.paths[-1]
            is_first = start is not None and torch.equal(batch.images, start[0].images)
            yield start[1] if start is not None and is_first else self.embed(batch, view)
            start = None
        if count < least:
            found = f'{count} ("{path}")' if count else "none"
            raise BadData(f"Expected at least {least} training images, found {found}.")

    def anomalies(self, batches: Iterable[Batch], view: View) -> Iterator[tuple[Pyramids, Shares]]:
        """Yield the embeddings of anomalous images, and the anomalous share of each of their positions.

        Raises:
            BadData: An image is labelled normal, or there are none.
        """
        found = False
        for batch in staged(READ, batches):
            require_anomalous(batch)
            pyramids, found = self.embed(batch, view), True
            yield pyramids, self._shares(batch, pyramids)
        if not found:
            raise BadData('There are no images in "anomalies".')

    def _shares(self, batch: Batch, pyramids: Pyramids) -> Shares:
        """Return the anomalous share of each position by level; None without masks."""
        if batch.masks is None:
            return dict.fromkeys(pyramids)
        tiling, device = self.tiling(batch), next(iter(pyramids.values())).maps[0].device
        rows, columns = (len(axis.starts) for axis in tiling.axes)
        sizes = {name: pyramid.maps[0].shape[2:] for name, pyramid in pyramids.items()}

        def pooled(tiles: Tensor, _: tuple[int, ...]) -> Pyramids:
            return {
                name: Pyramid((F.adaptive_avg_pool2d(tiles[:, :1], (height // rows, width // columns)),))
                for name, (height, width) in sizes.items()
            }

        masks = batch.masks[:, None].float().expand(-1, 3, -1, -1).to(device)
        return {name: one.maps[0][:, 0] for name, one in tiling.pyramids(masks, pooled).items()}

    def embed(self, batch: Batch, view: View) -> Pyramids:
        """Return the embeddings of a batch by level, those of tiles side by side.

        Raises:
            BadImage, BadShape: They are not images as the view has them.
            BadFeatures: The backbone returned NaN or infinity; the message names the image.
        """
        require_images(batch)
        view.require(batch)
        return self.tiling(batch).pyramids(batch.images, partial(self._embed_tiles, batch.paths))

    @property
    def _name(self) -> str:
        named = self.backbone.inner if isinstance(self.backbone, WrappedBackbone) else self.backbone
        return type(named).__name__

    def tiling(self, batch: Batch) -> Tiling:
        """Return the tiles of the images of a batch."""
        return Tiling.of(self.tiles, image_size(batch), batch.paths[0])

    def _embed_tiles(
        self, paths: tuple[str, ...], tiles: Float[Tensor, "n 3 h w"], numbers: tuple[int, ...]
    ) -> Pyramids:
        with torch.no_grad(), stage(BACKBONE):
            features = self.backbone.extract(tiles.to(self.device))
        require_features(features, tuple(paths[number] for number in numbers), self._name)
        with stage(EMBEDDING):
            return self.levels.split(features)
