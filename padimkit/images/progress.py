"""A bar for loops over batches, where somebody can see it."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from operator import length_hint
from typing import final

from rich.console import Console
from rich.progress import track

from padimkit.images.augmentation import Augmentable, Augmentation, augmented
from padimkit.values import Batch


@final
class Progress(Augmentable):
    """The same batches; loops over them show a bar on a terminal or in a notebook, and nothing elsewhere."""

    def __init__(self, batches: Iterable[Batch], description: str) -> None:
        self._batches = batches
        self._description = description

    def augmented(self, augmentation: Augmentation) -> "Progress":
        """Return variants of the batches, with a bar."""
        return Progress(augmented(self._batches, augmentation), self._description)

    def __length_hint__(self) -> int:
        return length_hint(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        console = Console(stderr=True)
        if not is_seen(console):
            return iter(self._batches)
        total = self.__length_hint__() or None
        return iter(track(self._batches, self._description, total=total, console=console, transient=True))


def is_seen(console: Console) -> bool:
    """Return whether a bar on this console would be seen; in a notebook, rich needs ipywidgets to draw it."""
    if console.is_jupyter:
        return find_spec("ipywidgets") is not None
    return console.is_terminal
