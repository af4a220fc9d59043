"""The stages of a run and their durations, each without the stages inside it; free if no clock runs."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import TypeVar, final

# Of a pipeline and its evaluation.
READ = "read"
BACKBONE = "backbone"
EMBEDDING = "embedding"
REDUCER_FIT = "reducer fit"
DENSITY_FIT = "density fit"
PREPARE = "prepare"
SCORE = "score"
MAP = "map"
PREDICT = "predict"
METRICS = "metrics"
# Of the cell of a benchmark, around these.
START = "start"
SETTINGS = "settings"
DATA = "data"
STORAGE = "storage"
FLOPS = "flops"
THEORY = "theory"
CALIBRATION = "calibration"
KEEPING = "keeping"  # of what records hold of an evaluation, beside its metrics
LATENCY = "latency"

T = TypeVar("T")


def _at_once() -> None:
    """Wait for nothing: a CPU has finished by the time a call returns."""


@final
class Clock:
    """A sum of the seconds of each stage.

    Args:
        wait: Called when stages change, so that pending work of a GPU counts for the stage that started it.
        entered: Called with the name of each stage that begins or resumes, but not after an error.
        now: Tells the seconds, such as those of the processor; by default those of the wall.
    """

    def __init__(
        self,
        wait: Callable[[], None] = _at_once,
        entered: Callable[[str], None] = lambda _: None,
        now: Callable[[], float] = lambda: time.perf_counter(),
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._wait = wait
        self._entered = entered
        self._now = now
        self._open: list[str] = []
        self._since = 0.0

    def begin(self, stage: str) -> None:
        """Pause the enclosing stage until this one ends."""
        self._count()
        self._open.append(stage)
        self._entered(stage)

    def end(self) -> None:
        """End this stage and resume the enclosing one."""
        self.abandon()
        if self._open:
            self._entered(self._open[-1])

    def abandon(self) -> None:
        """End this stage after an error, without resuming another."""
        self._count()
        self._open.pop()

    def _count(self) -> None:
        self._wait()
        now = self._now()
        if self._open:
            stage = self._open[-1]
            self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now


_CLOCKS: ContextVar[tuple[Clock, ...]] = ContextVar("clocks", default=())


@contextmanager
def timed(clock: Clock) -> Iterator[Clock]:
    """Let the clock measure all stages of this thread within the block, beside clocks that already do."""
    token = _CLOCKS.set((*_CLOCKS.get(), clock))
    try:
        yield clock
    finally:
        _CLOCKS.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count the time of the block for this stage, minus the stages inside it."""
    clocks = _CLOCKS.get()
    for clock in clocks:
        clock.begin(name)
    try:
        yield
    except BaseException:
        for clock in clocks:
            clock.abandon()
        raise
    for clock in clocks:
        clock.end()


def staged(name: str, values: Iterable[T]) -> Iterator[T]:
    """Yield the values, and count the time to make each of them for this stage."""
    iterator = iter(values)
    while True:
        with stage(name):
            found = list(islice(iterator, 1))
        if not found:
            return
        yield found[0]
