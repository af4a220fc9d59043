"""The contract of a tracker of experiments, which is told of each cell of a suite."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class TrackedRun:
    """A cell that has run, as trackers know it.

    Args:
        key: That of its record.
        suite: The name of the suite.
        name: Method, data, seed and varied quantities in one line.
        labels: Method, data set, category and seed by their names, and versions of plugins.
        settings: All settings as text, by keys with dots.
        begun: The time at which it began.
        ended: The time at which it ended.
    """

    key: str
    suite: str
    name: str
    labels: Mapping[str, str]
    settings: Mapping[str, str]
    begun: datetime
    ended: datetime


class Tracker(ABC):
    """A tracker of experiments, told of each cell of a suite after its record has been written.

    It is made once for a run of `padimkit benchmark`, with the place that `--tracker NAME=PLACE` gives, empty
    if it gives none, and called from one thread: for each cell `begin`, `log`, `keep` and `end`. Its errors
    are told, and end neither the suite nor the calls for the next cell.
    """

    def __init__(self, place: str) -> None:
        self.place = place

    @abstractmethod
    def begin(self, run: TrackedRun) -> None:
        """Begin the entry of a cell."""

    @abstractmethod
    def log(self, values: Mapping[str, float]) -> None:
        """Take the metric values, seconds and bytes of the cell by their names; none of a failed one."""

    @abstractmethod
    def keep(self, file: Path) -> None:
        """Take a file of the cell, which is its record."""

    @abstractmethod
    def end(self, failure: str) -> None:
        """End the entry; `failure` is empty for a cell that has finished."""
