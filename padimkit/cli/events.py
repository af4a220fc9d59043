"""What a watch waits for: files that are closed or renamed, and signals that end it.

Apart from the watch, since it needs watchdog, and is a border to the system.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import final

from watchdog.events import (
    FileClosedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

_TELLS_OF_CLOSING = sys.platform == "linux"  # else a file that is written to would be waited for in vain
_log = logging.getLogger(__name__)


@final
class Events:
    """Files that were closed or renamed, as the system tells them, and the wish to end; see `events_of`.

    Attributes:
        is_ending: Whether the end has been asked for.
        open: The files that were written to and have not been closed.
    """

    def __init__(self) -> None:
        self.is_ending = False
        self.open: set[Path] = set()
        self._told: SimpleQueue[Path | None] = SimpleQueue()  # a signal may come while it is used

    def wait(self, until: float) -> list[Path]:
        """Return the files of which the system has told, as soon as it does, or none at that time."""
        found = []
        try:
            found.append(self._told.get(timeout=max(0.0, until - time.monotonic())))
            while True:
                found.append(self._told.get_nowait())
        except Empty:
            return list(dict.fromkeys(path for path in found if path is not None))

    def write(self, path: Path) -> None:
        """Take note of a file that is written to."""
        self.open.add(path)

    def forget(self, path: Path) -> None:
        """Take note of a file that has gone."""
        self.open.discard(path)

    def tell(self, path: Path) -> None:
        """Take note of a file that was closed or renamed."""
        self.open.discard(path)
        self._told.put(path)

    def rename(self, path: Path, to: Path) -> None:
        """Take note of a file with another name, which is complete unless it is still written to."""
        if path in self.open:
            self.open.discard(path)
            self.open.add(to)
        else:
            self.tell(to)

    def end(self, *_: object) -> None:
        """Ask for the end; ask again, and everything is interrupted.

        Raises:
            KeyboardInterrupt: It has been asked for already.
        """
        if self.is_ending:
            raise KeyboardInterrupt
        self.is_ending = True
        self._told.put(None)


@contextmanager
def events_of(folders: Sequence[Path]) -> Iterator[Events]:
    """Yield the events of folders; where the system gives none, a warning says so and there are none."""
    events = Events()
    with _ended_by_signals(events):
        observer = Observer()
        for folder in folders:
            observer.schedule(_Told(events), str(folder), recursive=True)
        try:
            observer.start()
        except OSError as error:  # too many folders are watched, or the file system cannot be
            _log.warning("The system tells of no new files (%s); the folders are looked at instead.", error)
            observer.unschedule_all()  # those that had begun
        try:
            yield events
        finally:
            if observer.is_alive():
                observer.stop()
                observer.join()


@contextmanager
def _ended_by_signals(events: Events) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is told of signals
        return
    before = {kind: signal.signal(kind, events.end) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


@final
class _Told(FileSystemEventHandler):
    def __init__(self, events: Events) -> None:
        self._events = events

    def on_any_event(self, event: FileSystemEvent) -> None:
        if isinstance(event, FileModifiedEvent):
            if _TELLS_OF_CLOSING:
                self._events.write(_path(event.src_path))
        elif isinstance(event, FileClosedEvent):
            self._events.tell(_path(event.src_path))
        elif isinstance(event, FileDeletedEvent):
            self._events.forget(_path(event.src_path))
        elif isinstance(event, FileMovedEvent):
            self._events.rename(_path(event.src_path), _path(event.dest_path))


def _path(name: bytes | str) -> Path:
    return Path(os.fsdecode(name))
