"""The batcher: one thread that scores what waits, as many images at once as there are."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import final

from padimkit.errors import BadArgument
from padimkit.inspection.inspection import Inspection
from padimkit.inspection.seen import Failure, Seen
from padimkit.service.inspector import Inspector


@dataclass(frozen=True)
class _Waiting:
    inspector: Inspector
    read: Seen | Failure
    answer: "Future[Inspection]" = field(default_factory=Future)


@final
class Batcher:
    """A queue of images of several models, scored in batches of one model each, in their order.

    Nothing waits for a batch to fill: while one batch is scored, the next gathers. All models share one
    thread, since each call uses all threads of torch.

    Args:
        batch_size: The most images in a batch.
        observe: Called with the number of images of each batch.
    """

    def __init__(self, batch_size: int, observe: Callable[[int], None] = lambda _: None) -> None:
        if batch_size < 1:
            raise BadArgument(f'Expected "batch_size" of at least 1, got {batch_size}.')
        self.batch_size = batch_size
        self._observe = observe
        self._waiting: deque[_Waiting] = deque()
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._run, name="padimkit-batcher", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """The number of images that no batch has taken yet."""
        return len(self._waiting)

    def submit(self, inspector: Inspector, read: Seen | Failure) -> "Future[Inspection]":
        """Return the coming verdict on an image that was read; it may be cancelled while it waits."""
        one = _Waiting(inspector, read)
        with self._changed:
            if self._closed:
                raise RuntimeError("Batcher.submit was called after close.")
            self._waiting.append(one)
            self._changed.notify()
        return one.answer

    def close(self) -> None:
        """Score what waits, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next():
            wanted = [one for one in batch if one.answer.set_running_or_notify_cancel()]
            if wanted:
                self._observe(len(wanted))
                _judge(wanted)

    def _next(self) -> list[_Waiting]:
        """Return what waits longest and others of its model, or nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            batch: list[_Waiting] = []
            left: deque[_Waiting] = deque()
            for one in self._waiting:
                fits = not batch or (len(batch) < self.batch_size and one.inspector is batch[0].inspector)
                (batch if fits else left).append(one)
            self._waiting = left
            return batch


def _judge(batch: list[_Waiting]) -> None:
    try:
        inspections = batch[0].inspector.judge([one.read for one in batch])
    except Exception as error:  # goes to those who wait for it: nobody waits for this thread
        for one in batch:
            one.answer.set_exception(error)
        return
    for one, inspection in zip(batch, inspections, strict=True):
        one.answer.set_result(inspection)
