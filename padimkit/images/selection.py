"""Some of the images in batches, chosen by their numbers; the others are not decoded where that can be."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from padimkit.values import Batch

Chosen: TypeAlias = Callable[[int], bool]  # tells from the number of an image whether it is one of them


class Selectable(ABC):
    """Batches of which some images can be left out before they are decoded."""

    @abstractmethod
    def __iter__(self) -> Iterator[Batch]:
        """Begin a loop over the batches."""

    @property
    @abstractmethod
    def images(self) -> int:
        """The number of images in all batches."""

    @abstractmethod
    def only(self, chosen: Chosen) -> Iterable[Batch]:
        """Return batches of the chosen images, in the same order."""


class Counted:
    """Batches that remember how many images the longest loop over them has seen."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches
        self.images = 0

    def __iter__(self) -> Iterator[Batch]:
        seen = 0
        for batch in self._batches:
            seen += len(batch.paths)
            self.images = max(self.images, seen)
            yield batch


def count_of(batches: Iterable[Batch]) -> int:
    """Return the number of images in all batches, which are read only if nothing else tells."""
    if isinstance(batches, Selectable):
        return batches.images
    return sum(len(batch.paths) for batch in batches)


def only(batches: Iterable[Batch], chosen: Chosen) -> Iterable[Batch]:
    """Return batches of the chosen images; those of batches that are not Selectable are read nevertheless."""
    return batches.only(chosen) if isinstance(batches, Selectable) else _Part(batches, chosen)


class _Part:
    def __init__(self, batches: Iterable[Batch], chosen: Chosen) -> None:
        self._batches = batches
        self._chosen = chosen

    def __iter__(self) -> Iterator[Batch]:
        start = 0
        for batch in self._batches:
            places = [place for place in range(len(batch.paths)) if self._chosen(start + place)]
            if places:
                yield part_of(batch, places)
            start += len(batch.paths)


def part_of(batch: Batch, places: list[int]) -> Batch:
    """Return the batch of some of the images."""
    return replace(
        batch,
        images=batch.images[places],
        paths=tuple(batch.paths[place] for place in places),
        files=tuple(batch.files[place] for place in places if batch.files),
        labels=None if batch.labels is None else batch.labels[places],
        masks=None if batch.masks is None else batch.masks[places],
    )
