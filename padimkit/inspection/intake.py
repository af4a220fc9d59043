"""The scorer of a fitted pipeline: what people hand in for a verdict, as the model sees it, to scores.

Apart from the inspector, its user, which knows verdicts and not the forms of images, nor torch.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from padimkit.errors import BadArgument, BadImage, BadShape
from padimkit.images.decoding import open_page
from padimkit.images.geometry import Geometry
from padimkit.images.inputs import samples_of
from padimkit.images.pages import Page, pages_in
from padimkit.images.sample import Sample
from padimkit.inspection.background import Looked, looked_at
from padimkit.inspection.seen import Failure, Inspected, Scorer, Seen, content_of, name_of
from padimkit.pipeline.checks import require_images
from padimkit.pipeline.pipeline import Pipeline
from padimkit.values import Batch, numbered

Entry: TypeAlias = Sample | Seen | Failure
_UNDERSTOOD = (
    "a path, the content of an image file as bytes or an open file, a PIL image, an array (height, width) or "
    "(height, width, 3), a tensor (3, height, width) or a sample, and several of these, or a folder, to "
    "Inspector.each"
)


@final
class Intake(Scorer):
    """A fitted pipeline with the way to it from what people hand in.

    Args:
        pipeline: The fitted pipeline that will score the images.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._depth = pipeline.fitted_preprocessing.depth
        self._most_pixels = pipeline.fitted_preprocessing.most_pixels
        self._looked = looked_at(pipeline)

    @property
    def depth(self) -> int | None:
        return self._depth

    @property
    def most_pixels(self) -> int:
        return self._most_pixels

    @property
    def looked(self) -> Looked:
        return self._looked

    def entries(self, image: Inspected, number: int) -> Iterator[Entry]:
        name = name_of(image, number)
        try:
            yield from self._entries_of(image, number, name)
        except BadImage as error:
            yield Failure(name, str(error))

    def read(self, entry: Entry) -> Seen | Failure:
        if not isinstance(entry, Sample):
            return entry
        start = time.perf_counter()
        try:
            images, geometry = self._seen(entry)
            share = self._pipeline.seen(geometry.original)
        except (BadImage, BadShape) as error:
            return Failure(str(entry.path), str(error), time.perf_counter() - start)
        return Seen(str(entry.path), images, geometry, share, time.perf_counter() - start)

    def score(self, reads: Sequence[Seen]) -> tuple[list[float], Float[np.ndarray, "b H W"]]:
        batch = Batch(torch.cat([read.images for read in reads]), tuple(read.name for read in reads))
        prediction = self._pipeline.predict_batch(batch)
        return prediction.image_scores.tolist(), prediction.anomaly_maps.cpu().numpy()

    def warm_up(self) -> None:
        generator = torch.Generator().manual_seed(0)
        image = torch.rand(1, 3, *self._pipeline.size, generator=generator)
        self._pipeline.predict_batch(Batch(image, numbered(1)))

    def _entries_of(self, image: Inspected, number: int, name: str) -> Iterator[Entry]:
        if isinstance(image, Tensor):
            yield self._tensor(image, name)
        elif isinstance(image, Page):
            page = replace(image, most_pixels=self._most_pixels)
            yield Sample(Path(page.name), open=partial(self._page, page))
        elif (content := content_of(image)) is not None:
            for page in pages_in(content, name, self._most_pixels):
                yield Sample(Path(page.name), open=partial(self._page, page))
        elif isinstance(image, str | Path | Image.Image | np.ndarray | Sample):
            yield from samples_of(image, number)
        else:
            raise BadArgument(f"{type(image).__name__} is not understood as an image. Pass {_UNDERSTOOD}.")

    def _page(self, page: Page, _: Path) -> Image.Image:
        return open_page(page, self._depth)

    def _tensor(self, image: Tensor, name: str) -> Seen:
        found = [batch for batch in self._pipeline.read(image, 1, 0, None)]
        if len(found) != 1:
            raise BadArgument(f"Expected one image, got a tensor of {len(found)} in a list of several.")
        require_images(found[0])
        self._require_size(found[0])
        size = self._pipeline.size
        whole = Geometry(size, (0, 0, size[1], size[0]), size, (0, 0), size)
        return Seen(name, found[0].images, whole, share=1.0)

    def _seen(self, sample: Sample) -> tuple[Tensor, Geometry]:
        sizes: list[tuple[int, int]] = []

        def measured(_: Path) -> Image.Image:
            picture = sample.picture(self._depth, self._most_pixels)
            sizes.append((picture.height, picture.width))
            return picture

        (batch,) = self._pipeline.read([Sample(sample.path, open=measured)], 1, 0, None)
        self._require_size(batch)
        return batch.images, self._pipeline.preprocessing.geometry(sizes[0])

    def _require_size(self, batch: Batch) -> None:
        found, expected = tuple(batch.images.shape[2:]), self._pipeline.size
        if found != expected:
            raise BadShape(
                f'"{batch.paths[0]}" has {found[0]} x {found[1]} pixels (height x width) as the model sees '
                f"it, which was fitted on {expected[0]} x {expected[1]}."
            )
