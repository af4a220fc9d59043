"""Progress bars on terminals, silence elsewhere."""

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from padimkit.values import Stream

T = TypeVar("T")


def with_progress(batches: Iterable[T], description: str) -> Stream[T]:
    """The same batches; each loop over them shows a bar on standard error if that is a terminal."""
    total = len(batches) if isinstance(batches, Sized) else None

    def restart() -> Iterator[T]:
        if not sys.stderr.isatty():
            return iter(batches)
        console = Console(stderr=True)
        return iter(track(batches, description, total=total, console=console, transient=True))

    return Stream(restart, total or 0)
