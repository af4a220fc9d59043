"""The stages of a run, and how long they take, each without those within it; free where nobody asks."""

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

T = TypeVar("T")


def _at_once() -> None:
    """Nothing has to be waited for on a CPU."""


@final
class Clock:
    """Adds up the seconds of each stage.

    Args:
        wait: Called at each border, so that work which a GPU has yet to do counts where it was ordered.
        entered: Told the name of each stage that begins or goes on; after an error the one it was in stands.
    """

    def __init__(
        self, wait: Callable[[], None] = _at_once, entered: Callable[[str], None] = lambda _: None
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._wait = wait
        self._entered = entered
        self._open: list[str] = []
        self._since = 0.0

    def begin(self, stage: str) -> None:
        """The stage around stands still until this one ends."""
        self._count()
        self._open.append(stage)
        self._entered(stage)

    def end(self) -> None:
        """The stage around goes on."""
        self.abandon()
        if self._open:
            self._entered(self._open[-1])

    def abandon(self) -> None:
        """The stage ends by an error, and nothing goes on."""
        self._count()
        self._open.pop()

    def _count(self) -> None:
        self._wait()
        now = time.perf_counter()
        if self._open:
            stage = self._open[-1]
            self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now


_CLOCKS: ContextVar[tuple[Clock, ...]] = ContextVar("clocks", default=())


@contextmanager
def timed(clock: Clock) -> Iterator[Clock]:
    """Within the block, the clock adds up all stages of this thread, beside clocks that do so already."""
    token = _CLOCKS.set((*_CLOCKS.get(), clock))
    try:
        yield clock
    finally:
        _CLOCKS.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """The block counts as this stage, less the stages within it."""
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
    """The values; making each of them counts as this stage."""
    iterator = iter(values)
    while True:
        with stage(name):
            found = list(islice(iterator, 1))
        if not found:
            return
        yield found[0]
