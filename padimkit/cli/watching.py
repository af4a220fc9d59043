"""The watch of `padimkit inspect`: images are inspected as they appear, until it is told to end.

Apart from the command, since most inspections have an end of their own, and need no watchdog.
"""

import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias, final

from padimkit.cli.events import Events, events_of
from padimkit.errors import BadData
from padimkit.files.left import finish_left
from padimkit.files.outputs import added_file
from padimkit.files.staging import PREFIX
from padimkit.images.arrivals import Arrival, Arrivals, is_written_anew, stamp_is
from padimkit.images.pages import page_of, pages_of
from padimkit.inspection.inspection import Inspection
from padimkit.inspection.results import SORTED, Results
from padimkit.inspection.verdict import Verdict
from padimkit.service.inspector import Inspector

Sort: TypeAlias = Literal["none", "copy", "move"]
Write: TypeAlias = Callable[[Inspection, dict[str, Any]], None]

_SHARE = 10  # a look at the folders takes at most this part of the time
_BY_WEIGHT = (Verdict.ERROR, Verdict.NG, Verdict.REVIEW, Verdict.OK)  # of a file with several pages
_LONGEST = 200  # bytes of a name, of the 255 that file systems have

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watch:
    """The settings of a watch.

    Args:
        folders: Where images appear.
        every: Seconds between looks at the folders, and for which a complete file has not changed.
        sort: Whether files are copied or moved by their verdicts.
        at_once: Files that are inspected together.
    """

    folders: Sequence[Path]
    every: float
    sort: Sort
    at_once: int


def watch(inspector: Inspector, results: Results, settings: Watch, write: Write) -> None:
    """Inspect the images that are in the folders and those that appear, until a signal asks for the end.

    Args:
        inspector: Gives the verdicts.
        results: Knows what is done; nothing is inspected twice unless it was written anew.
        settings: Those of the watch.
        write: Writes an inspection into the results, with more values for its line.
    """
    _remove_unfinished(results)
    arrivals, work = Arrivals(settings.folders, settings.every), _Work(inspector, results, settings, write)
    with events_of(settings.folders) as events:
        next_look = time.monotonic()
        while not events.is_ending:
            closed = events.wait(next_look)
            work.take(arrivals.closed(closed), events)
            if time.monotonic() >= next_look and not events.is_ending:
                start = time.monotonic()
                found = _look(arrivals, start, events.open.copy())
                took = time.monotonic() - start
                work.take(found, events)
                next_look = max(start + settings.every, time.monotonic() + _SHARE * took)
    if arrivals.waiting:
        _log.warning(
            "%d files were not complete at the end, such as %s.", len(arrivals.waiting), arrivals.waiting[0]
        )


def _remove_unfinished(results: Results) -> None:
    """Remove copies without a line, whole or not, which a kill has left; their files are inspected again."""
    for folder in (results.folder / SORTED).glob("*"):
        finish_left(folder)
    for path in (results.folder / SORTED).glob("*/*"):
        number = re.match(r"\d+(?=-)", path.name.removeprefix(PREFIX))
        if number and int(number[0]) > results.count:
            path.unlink()


def _look(arrivals: Arrivals, now: float, written: Collection[Path]) -> list[Arrival]:
    try:
        return arrivals.look(now, written)
    except BadData as error:  # a network drive that will come back
        _log.warning("%s It is looked at again.", error)
        return []


@final
class _Work:
    """The inspection of complete files, each with all its pages."""

    def __init__(self, inspector: Inspector, results: Results, settings: Watch, write: Write) -> None:
        self._inspector = inspector
        self._results = results
        self._settings = settings
        self._write = write

    def take(self, arrivals: Iterable[Arrival], events: Events) -> None:
        """Inspect files, some at a time, until the end is asked for."""
        left = iter(arrivals)
        while not events.is_ending and (some := list(islice(left, self._settings.at_once))):
            files = [_File(one, tuple(pages_of(one.path))) for one in some]
            undone = [(file, page) for file in files for page in file.pages if not self._is_done(file, page)]
            # As pages, since a file that gains more of them meanwhile must not become several images.
            found = self._inspector.each([page_of(page) for _, page in undone])
            for (file, page), inspection in zip(undone, found, strict=True):
                if inspection.verdict is Verdict.ERROR and is_written_anew(file.arrival):
                    continue  # it is given again once it is complete
                is_last = page == file.pages[-1]
                self._write(inspection, file.facts | (self._kept(file, inspection) if is_last else {}))
            for file in files:
                self._remove(file)

    def _is_done(self, file: "_File", page: Path) -> bool:
        done = self._results.done.get(str(page))
        return done is not None and done.stamp in (None, file.arrival.stamp)

    def _kept(self, file: "_File", last: Inspection) -> dict[str, Any]:
        """Copy the file by its verdict and return the place for its line, before which the copy is there."""
        if self._settings.sort == "none" or not stamp_is(file.arrival.path, file.arrival.stamp):
            return {}
        verdicts = {last.verdict, *(self._results.done[str(page)].verdict for page in file.pages[:-1])}
        verdict = next(one for one in _BY_WEIGHT if one in verdicts)
        name = f"{self._results.count + 1:06}-{_short(file.arrival.path)}"
        place = Path(SORTED, verdict.value, name)
        _KEEP[self._settings.sort](file.arrival.path, self._results.folder / place)
        return {"sorted": place.as_posix()}

    def _remove(self, file: "_File") -> None:
        """Remove a file whose line says where it is kept; after a kill, at the next start."""
        path, stamp = file.arrival.path, file.arrival.stamp
        done = self._results.done.get(str(file.pages[-1]))
        if self._settings.sort != "move" or done is None or not done.is_sorted or done.stamp != stamp:
            return
        if not stamp_is(path, stamp):  # written anew, so it is another image
            return
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning('"%s" is kept by its verdict, but cannot be removed: %s.', path, error.strerror)


@dataclass(frozen=True)
class _File:
    arrival: Arrival
    pages: tuple[Path, ...]

    @property
    def facts(self) -> dict[str, Any]:
        size, modified = self.arrival.stamp
        return {"bytes": size, "modified": modified}


def _copied(path: Path, target: Path) -> None:
    """Copy a file, down to the disk, to a name that is free or was that of the same work before a kill."""
    with added_file(target) as staging:
        shutil.copy2(path, staging)


def _linked(path: Path, target: Path) -> None:
    """Give a file the name as well, or copy it: on another disk, or one without links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f"{PREFIX}{target.name}")
    staging.unlink(missing_ok=True)
    try:
        os.link(path, staging, follow_symlinks=True)
    except (OSError, NotImplementedError):
        _copied(path, target)
        return
    staging.replace(target)


# A file that is copied may be written anew where it was, and its copy must stay as it is.
_KEEP: dict[Sort, Callable[[Path, Path], None]] = {"copy": _copied, "move": _linked}


def _short(path: Path) -> str:
    if len(os.fsencode(path.name)) <= _LONGEST:
        return path.name
    return f"{path.stem[: _LONGEST // 4]}{path.suffix}"
