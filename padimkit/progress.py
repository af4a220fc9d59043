"""Progress bars on terminals, silence elsewhere."""

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import final

from rich.console import Console
from rich.progress import track

from padimkit.augmentation import Augmentable, Augmentation, augmented
from padimkit.values import Batch


@final
class Progress(Augmentable):
    """The same batches; each loop over them shows a bar on standard error if that is a terminal."""

    def __init__(self, batches: Iterable[Batch], description: str) -> None:
        self._batches = batches
        self._description = description

    def augmented(self, augmentation: Augmentation) -> "Progress":
        """Variants of the batches, with a bar."""
        return Progress(augmented(self._batches, augmentation), self._description)

    def __length_hint__(self) -> int:
        return len(self._batches) if isinstance(self._batches, Sized) else 0

    def __iter__(self) -> Iterator[Batch]:
        if not sys.stderr.isatty():
            return iter(self._batches)
        console, total = Console(stderr=True), self.__length_hint__() or None
        return iter(track(self._batches, self._description, total=total, console=console, transient=True))
