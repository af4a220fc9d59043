"""The intake: what people hand in for a verdict, image by image as the model sees it.

It stands apart from the inspector, its user, which knows verdicts and not the forms of images.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast, final

import numpy as np
from PIL import Image
from torch import Tensor

from padimkit.errors import BadArgument, BadImage, BadShape
from padimkit.images.decoding import open_page
from padimkit.images.geometry import Geometry
from padimkit.images.inputs import samples_of
from padimkit.images.pages import Page, pages_in
from padimkit.images.reader import Sample
from padimkit.pipeline.pipeline import Pipeline
from padimkit.values import Batch, numbered

if TYPE_CHECKING:
    from padimkit.images.inputs import OneImage

    Inspected: TypeAlias = OneImage | bytes | bytearray | Page
else:
    Inspected = object  # anything else is refused here, by a message, even if types are checked at run time


@dataclass(frozen=True)
class Seen:
    """An image as the model sees it, in a batch of its own."""

    name: str
    images: Tensor
    geometry: Geometry
    share: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Failure:
    """The reason why an image cannot be inspected."""

    name: str
    error: str
    seconds: float = 0.0


Entry: TypeAlias = Sample | Seen | Failure


@final
class Intake:
    """A way from what people hand in to what a fitted pipeline sees; many threads may use it at a time.

    Args:
        pipeline: The fitted pipeline that will score the images.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._depth = pipeline.fitted_preprocessing.depth

    def entries(self, images: Iterable[Inspected]) -> Iterator[Entry]:
        """Yield what is to be read, and refuse at once what no file could be the fault of.

        Raises:
            BadArgument: They are not understood.
            BadData: A folder holds no images.
            BadShape: An array or a tensor does not have a shape that is understood.
        """
        number = 0
        for image in images:
            for entry in self._entries_of(image, number):
                number += 1
                yield entry

    def read(self, entry: Entry) -> Seen | Failure:
        """Return an image as the model sees it, or the reason why it cannot be inspected."""
        if not isinstance(entry, Sample):
            return entry
        start = time.perf_counter()
        try:
            images, geometry = self._seen(entry)
            share = self._pipeline.seen(geometry.original)
        except (BadImage, BadShape) as error:
            return Failure(str(entry.path), str(error), time.perf_counter() - start)
        return Seen(str(entry.path), images, geometry, share, time.perf_counter() - start)

    def _entries_of(self, image: Inspected, number: int) -> Iterator[Entry]:
        (name,) = numbered(1, number)
        if isinstance(image, Tensor):
            yield self._tensor(image, name)
        elif isinstance(image, Page):
            yield Sample(Path(image.name), open=partial(self._page, image))
        elif isinstance(image, bytes | bytearray):
            for page in pages_in(bytes(image), name):
                yield Sample(Path(page.name), open=partial(self._page, page))
        else:
            try:
                yield from samples_of(image, number)
            except BadImage as error:
                yield Failure(str(image) if isinstance(image, str | Path) else name, str(error))

    def _page(self, page: Page, _: Path) -> Image.Image:
        return open_page(page, self._depth)

    def _tensor(self, image: Tensor, name: str) -> Seen:
        found = [batch for batch in self._pipeline.read(image, 1, 0, None)]
        if len(found) != 1:
            raise BadArgument(f"Expected one image, got a tensor of {len(found)}.")
        self._require_size(found[0])
        size = self._pipeline.size
        whole = Geometry(size, (0, 0, size[1], size[0]), size, (0, 0), size)
        return Seen(name, found[0].images, whole, share=1.0)

    def _seen(self, sample: Sample) -> tuple[Tensor, Geometry]:
        sizes: list[tuple[int, int]] = []

        def measured(_: Path) -> Image.Image:
            picture = sample.picture(self._depth)
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


def listed(images: Inspected | Iterable[Inspected]) -> Iterable[Inspected]:
    """Return one image, or one folder, in a list, and several as they are."""
    return cast(Iterable[Inspected], [images] if _is_one(images) else images)


def _is_one(images: object) -> bool:
    if isinstance(images, np.ndarray | Tensor):
        return images.ndim < 4  # arrays of several have four axes
    return isinstance(images, str | bytes | bytearray) or not isinstance(images, Iterable)
