"""Warnings of padimkit about files, such as masks that mark nothing, as a command shows them.

Apart from the command line, since they come from any depth, and of one kind there may be thousands.
"""

import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from padimkit.files.foreign_text import printable

_SHOWN = 10  # of each kind
_PERIOD = 3600.0  # seconds, after which a server or a watch says again what is still so


@contextmanager
def notes_shown(command: str) -> Iterator[None]:
    """Show warnings on standard error, each once; of a kind, the first ten and the number of others.

    A command that runs for longer says so each hour.
    """
    logger, handler = logging.getLogger("padimkit"), _StandardError(command)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.count_others()


class _StandardError(logging.Handler):
    """A handler that looks up standard error for each record, since a progress bar replaces it."""

    def __init__(self, command: str) -> None:
        logging.Handler.__init__(self, logging.WARNING)
        self._command = command
        self._said: set[str] = set()  # several passes over the images find the same
        self._kinds: Counter[str] = Counter()
        self._since = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        if time.monotonic() - self._since > _PERIOD:
            self.count_others()
            self._said.clear()
            self._kinds.clear()
            self._since = time.monotonic()
        text = record.getMessage()
        if text in self._said:
            return
        self._said.add(text)
        self._kinds[record.msg] += 1
        if self._kinds[record.msg] <= _SHOWN:
            self._say(text)

    def count_others(self) -> None:
        for kind, count in self._kinds.items():
            if count > _SHOWN:
                self._say(f'and {count - _SHOWN} more of "{kind.replace("%%", "%")}"')

    def _say(self, text: str) -> None:
        print(f"padimkit {self._command}: warning: {printable(text)}", file=sys.stderr)
