"""Image files that appear in folders, each given once it is complete.

Apart from the listing, since it remembers what it has seen: a file is complete when it no longer changes.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, final

from padimkit.images.listing import is_listed, is_mask, listing_of

_LONGEST_PAUSE = 300.0  # seconds between two writes to a file that stays open
_log = logging.getLogger(__name__)
Stamp: TypeAlias = tuple[int, int]  # size in bytes, and time of the last change in nanoseconds


@dataclass(frozen=True)
class Arrival:
    """A complete file.

    Args:
        path: The file.
        stamp: Its size and the time of its last change, which tell it from a later file of this name.
    """

    path: Path
    stamp: Stamp


@final
class Arrivals:
    """The files that appear below folders, but masks; each is given once, and again if it is written anew.

    A file is complete when two looks, `settle` seconds apart, find it unchanged and not empty; five minutes
    apart, if the system has told that somebody writes to it, and not that it was closed.

    Args:
        folders: The folders, each listed as by `list_images`.
        settle: Seconds.
    """

    def __init__(self, folders: Sequence[Path], settle: float) -> None:
        self._folders = tuple(folders)
        self._settle = settle
        self._waiting: dict[Path, tuple[Stamp, float]] = {}
        self._given: dict[Path, Stamp] = {}
        self._masks: set[Path] = set()

    @property
    def waiting(self) -> list[Path]:
        """The files that were not complete at the last look."""
        return sorted(self._waiting)

    def look(self, now: float, written: Collection[Path] = ()) -> list[Arrival]:
        """Return the files that have become complete, in the order of their last changes.

        Args:
            now: Seconds of a clock that only goes forward.
            written: Files that are open for writing, as far as the system tells.

        Raises:
            BadData: A folder is missing or may not be read.
        """
        there = {path: stamp for path in self._listed() if (stamp := _stamp_of(path)) is not None}
        self._waiting = {path: known for path, known in self._waiting.items() if path in there}
        self._given = {path: stamp for path, stamp in self._given.items() if path in there}
        complete = [
            path
            for path, stamp in there.items()
            if self._is_settled(path, stamp, now, _LONGEST_PAUSE if path in written else self._settle)
        ]
        return _in_order(complete, there)

    def closed(self, paths: Iterable[Path]) -> list[Arrival]:
        """Return those of the files that are new: their writers have closed them, or renamed them into place.

        Files that no folder would list, masks and empty ones are passed over.
        """
        there = {}
        for path in paths:
            stamp = _stamp_of(path)
            is_new = stamp is not None and stamp[0] > 0 and self._given.get(path) != stamp
            if stamp is not None and is_new and self._is_image(path):
                there[path] = stamp
                self._give(path, stamp)
        return _in_order(there, there)

    def _is_image(self, path: Path) -> bool:
        return not is_mask(path) and any(is_listed(path, folder) for folder in self._folders)

    def _listed(self) -> Iterable[Path]:
        found = dict.fromkeys(path for folder in self._folders for path in listing_of(folder).images)
        masks = set(filter(is_mask, found))
        for path in sorted(masks - self._masks):
            _log.warning('"%s" is a mask by its name, and is left out. Rename it if it is an image.', path)
        self._masks = masks
        return [path for path in found if path not in masks]

    def _is_settled(self, path: Path, stamp: Stamp, now: float, settle: float) -> bool:
        if self._given.get(path) == stamp:
            return False
        seen, since = self._waiting.get(path, (None, now))
        if seen != stamp:
            self._waiting[path] = (stamp, now)
            return False
        if stamp[0] == 0 or now - since < settle:
            return False
        self._give(path, stamp)
        return True

    def _give(self, path: Path, stamp: Stamp) -> None:
        self._given[path] = stamp
        self._waiting.pop(path, None)


def stamp_is(path: Path, stamp: Stamp) -> bool:
    """Return whether the file is still the one with this stamp."""
    return _stamp_of(path) == stamp


def is_written_anew(arrival: Arrival) -> bool:
    """Return whether the file is there and no longer the one that was complete."""
    return _stamp_of(arrival.path) not in (None, arrival.stamp)


def _in_order(paths: Iterable[Path], stamps: dict[Path, Stamp]) -> list[Arrival]:
    return [Arrival(path, stamps[path]) for path in sorted(paths, key=lambda path: (stamps[path][1], path))]


def _stamp_of(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:  # it has gone since it was listed, or its link leads nowhere
        return None
    return found.st_size, found.st_mtime_ns
