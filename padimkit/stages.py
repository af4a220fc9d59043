"""How long the stages of a run take, each without those within it; free where nobody asks."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import final


def _at_once() -> None:
    """Nothing has to be waited for on a CPU."""


@final
class Clock:
    """Adds up the seconds of each stage.

    Args:
        wait: Called at each border, so that work which a GPU has yet to do counts where it was ordered.
        entered: Called with the name of each stage that begins.
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
        self._count()
        self._open.pop()

    def _count(self) -> None:
        self._wait()
        now = time.perf_counter()
        if self._open:
            stage = self._open[-1]
            self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now


_CLOCK: ContextVar[Clock | None] = ContextVar("clock", default=None)


@contextmanager
def timed(clock: Clock) -> Iterator[Clock]:
    """Within the block, the clock adds up all stages of this thread."""
    token = _CLOCK.set(clock)
    try:
        yield clock
    finally:
        _CLOCK.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """The block counts as this stage, less the stages within it."""
    clock = _CLOCK.get()
    if clock is None:
        yield
        return
    clock.begin(name)
    try:
        yield
    finally:
        clock.end()


def staged(name: str, values: Iterator[object]) -> Iterator[object]:
    """The values; making each of them counts as this stage."""
    while True:
        with stage(name):
            value = next(values, _END)
        if value is _END:
            return
        yield value


_END = object()
