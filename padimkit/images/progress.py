"""What people see of a run that goes on: bars on terminals, and what the parts log."""

import logging
import sys
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import final

from rich.console import Console
from rich.progress import track

from padimkit.images.augmentation import Augmentable, Augmentation, augmented
from padimkit.pipeline.pipeline import Pipeline
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


@contextmanager
def logs_shown(pipeline: Pipeline) -> Iterator[None]:
    """Shows on standard error what the packages of the parts log, such as the epochs of a training."""
    parts = (pipeline.backbone, pipeline.reducer, pipeline.density)
    loggers = [logging.getLogger(name) for name in {type(part).__module__.split(".")[0] for part in parts}]
    handler, levels = _StandardError(), [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


class _StandardError(logging.Handler):
    """Looks up standard error for each record: a bar puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)
