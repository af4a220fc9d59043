"""Log messages of the parts, shown while a command runs."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from padimkit.files.foreign_text import printable
from padimkit.pipeline.pipeline import Pipeline


@contextmanager
def logs_shown(pipeline: Pipeline) -> Iterator[None]:
    """Show on standard error what the packages of the parts log, such as the epochs of a training."""
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
    """A handler that looks up standard error for each record, since a progress bar replaces it."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("padimkit.") and record.levelno >= logging.WARNING:
            return  # padimkit's own are shown by every command
        print(printable(self.format(record)), file=sys.stderr)
