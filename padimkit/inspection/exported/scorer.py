"""The scorer of an exported model: images in any form but tensors to scores and maps, without torch."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float
from PIL import Image

from padimkit.errors import BadArgument, BadImage, BadScores, BadShape
from padimkit.images.decoding import open_page
from padimkit.images.geometry import Geometry
from padimkit.images.listing import list_images
from padimkit.images.pages import Page, page_of, pages_in, pages_of
from padimkit.images.pictures import held, name_in
from padimkit.inspection.background import Looked
from padimkit.inspection.exported.card import Card
from padimkit.inspection.exported.session import Session
from padimkit.inspection.seen import Failure, Inspected, Scorer, Seen, content_of, is_tensor, name_of


@dataclass(frozen=True)
class Entry:
    """An image that is yet to be opened."""

    name: str
    decode: Callable[[], Image.Image]


@final
class ExportedScorer(Scorer):
    """A session with the way to it from what people hand in.

    Args:
        session: The model.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._card = session.card

    @property
    def depth(self) -> int | None:
        return self._card.depth

    @property
    def most_pixels(self) -> int:
        return self._card.framing.most_pixels

    @property
    def looked(self) -> Looked:
        return self._card.region

    def entries(self, image: Inspected, number: int) -> Iterator[Entry | Failure]:
        name = name_of(image, number)
        try:
            yield from self._entries_of(image, name)
        except BadImage as error:
            yield Failure(name, str(error))

    def read(self, entry: Entry | Failure) -> Seen | Failure:
        if isinstance(entry, Failure):
            return entry
        start = time.perf_counter()
        try:
            picture = entry.decode()
            geometry = self._card.framing.geometry((picture.height, picture.width))
            self._require_size(geometry, entry.name)
            pixels = self._card.framing.fit(picture)
        except (BadImage, BadShape) as error:
            return Failure(entry.name, str(error), time.perf_counter() - start)
        share = share_seen(self._card, geometry)
        return Seen(entry.name, pixels[None], geometry, share, time.perf_counter() - start)

    def score(self, reads: Sequence[Seen]) -> tuple[list[float], Float[np.ndarray, "b H W"]]:
        scores, maps = self._session.run_framed(np.concatenate([read.images for read in reads]))
        finite = np.isfinite(scores) & np.isfinite(maps).all(axis=(1, 2))
        if not finite.all():
            name = reads[int(finite.argmin())].name
            raise BadScores(f'The model gives NaN or infinity for "{name}". Check the image.')
        return scores.tolist(), maps

    def warm_up(self) -> None:
        height, width = self._card.size
        self._session.run_framed(np.zeros((1, height, width, 3), np.uint8))

    def _entries_of(self, image: Inspected, name: str) -> Iterator[Entry | Failure]:
        if isinstance(image, Page):
            yield self._page(replace(image, most_pixels=self.most_pixels))
        elif (content := content_of(image)) is not None:
            yield from map(self._page, pages_in(content, name, self.most_pixels))
        elif isinstance(image, str | Path):
            if not str(image):  # else an empty variable would mean all images below this folder
                raise BadArgument("A path is empty. Pass that of an image or a folder.")
            yield from self._files(Path(image).expanduser())
        elif isinstance(image, np.ndarray | Image.Image):
            name = name_in(image, name)
            yield Entry(name, partial(held(image, name).in_eight_bits, name, self.depth))
        else:
            kind = "A tensor" if is_tensor(image) else type(image).__name__
            raise BadArgument(
                f"{kind} is not understood by an exported model. Pass a path, the content of an image file "
                "as bytes or an open file, a PIL image, or an array (height, width) or (height, width, 3), "
                "and several of these, or a folder, to Inspector.each."
            )

    def _files(self, path: Path) -> Iterator[Entry | Failure]:
        if not (path.exists() or page_of(path).exists):
            raise BadImage(f'"{path}" does not exist.')
        found = (list_images if path.is_dir() else pages_of)(path)
        yield from (self._page(page_of(one, self.most_pixels)) for one in found)

    def _page(self, page: Page) -> Entry:
        return Entry(page.name, partial(open_page, page, self.depth))

    def _require_size(self, geometry: Geometry, name: str) -> None:
        if geometry.size != self._card.size:
            found, expected = geometry.size, self._card.size
            raise BadShape(
                f'"{name}" has {found[0]} x {found[1]} pixels (height x width) as the model sees it, which '
                f"was fitted on {expected[0]} x {expected[1]}."
            )


def share_seen(card: Card, geometry: Geometry) -> float:
    """Return the share of an original image that a model looks at, padding not counted."""
    if card.region is None:
        return geometry.seen
    (top, bottom), (left, right) = geometry.margins
    rows, columns = card.region.shape
    return geometry.seen * float(card.region[top : rows - bottom, left : columns - right].mean())
