"""A progress bar for loops over batches, shown only if it can be seen.

Apart from the pipeline, since rich and its detection of consoles are used here only.
"""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from operator import length_hint
from typing import final

from rich.console import Console
from rich.progress import track

from padimkit.images.augmentation import Augmentable, Augmentation, augmented
from padimkit.images.selection import Chosen, Selectable, count_of, only
from padimkit.values import Batch


@final
class Progress(Augmentable, Selectable):
    """Batches with a bar for loops over them, shown on a terminal or in a notebook and not elsewhere."""

    def __init__(self, batches: Iterable[Batch], description: str) -> None:
        self._batches = batches
        self._description = description

    def augmented(self, augmentation: Augmentation) -> "Progress":
        """Return variants of the batches, with a bar."""
        return Progress(augmented(self._batches, augmentation), self._description)

    @property
    def images(self) -> int:
        """The number of images in all batches."""
        return count_of(self._batches)

    def only(self, chosen: Chosen) -> "Progress":
        """Return batches of the chosen images, with a bar."""
        return Progress(only(self._batches, chosen), self._description)

    def __length_hint__(self) -> int:
        return length_hint(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        console = Console(stderr=True)
        if not is_seen(console):
            return iter(self._batches)
        total = self.__length_hint__() or None
        return iter(track(self._batches, self._description, total=total, console=console, transient=True))


def is_seen(console: Console) -> bool:
    """Return whether this console shows a bar; in a notebook, rich needs ipywidgets to draw it."""
    if console.is_jupyter:
        return find_spec("ipywidgets") is not None
    return console.is_terminal
