"""Checks that several threads can use one part at a time: a service has one model and many requests.

They stand apart from the checks of the families, which share them.
"""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from copy import deepcopy
from functools import partial
from threading import Barrier, Thread
from typing import Any

from padimkit.contracts import Updatable
from padimkit.testing.answers import ROUNDING, DataSet, Result, Usage, copied, difference
from padimkit.testing.check import Make, described, require
from padimkit.testing.inputs.embeddings import Apply, fitted, part_of, probe, stream, training
from padimkit.testing.operations import each_operation
from padimkit.testing.states import written

_DATA: tuple[DataSet, DataSet] = ("first", "second")
_THREADS = 4
_ROUNDS = 8  # of calls of each thread
_COPIES = 8  # whose first calls meet each other: most accidents happen then, and few in later rounds
_LATER = 3  # rounds of the last copy
_MEETINGS = 12  # of two calls, each at another operation
_PATIENCE = 0.2  # seconds to wait for a call that a lock keeps out
_SWITCH = 1e-6  # seconds after which Python lets another thread go on, if it can


def calls_from_threads_equal_calls_in_turn(make: Make, apply: Apply) -> None:
    """Calls from four threads at a time give the results of calls in turn: fitted, restored and updated."""
    for kind, copies, part in _kinds_of(make):
        alone = deepcopy(part)
        expected = [copied(_answer(apply, alone, number)) for number in range(_THREADS)]
        for rounds in (*(1,) * (copies - 1), _LATER):
            _require_same(expected, partial(_answer, apply, deepcopy(part)), kind, rounds=rounds)


def calls_may_meet_anywhere(make: Make, apply: Apply) -> None:
    """A whole call of another thread between two operations of a call does not change its result."""
    part = fitted(make)
    expected = copied(_answer(apply, part, 0))
    names: list[str] = []
    with each_operation(lambda name, _: names.append(name)):
        _answer(apply, part, 0)
    for step in range(0, len(names), len(names) // _MEETINGS + 1):
        found = _met(partial(_answer, apply, part, 0), partial(_answer, apply, part, 1), step)
        changed = difference(found, expected, relative=ROUNDING)
        require(
            not changed,
            f"Expected the same result if another thread calls at the same time, found {changed}. Keep "
            "nothing of a call in the module, in the class or in attributes, such as a buffer to reuse.",
        )


def _met(call: Callable[[], Result], other: Callable[[], Result], step: int) -> Result:
    """Return the result of a call, ahead of whose n-th operation another thread does the other one.

    If a lock keeps that out, it goes on when the lock is free.
    """
    thread = Thread(target=copy_context().run, args=(other,))
    count = 0

    def meet(name: str, given: Any) -> None:
        nonlocal count
        if count == step:
            thread.start()
            thread.join(_PATIENCE)
        count += 1

    with each_operation(meet):
        found = call()
    if thread.ident:
        thread.join()
    return found


def features_from_threads_equal_features_in_turn(make: Make, extract: Callable[[Any, int], Result]) -> None:
    """Calls from four threads at a time give the features of calls in turn, from the first call on."""
    alone, shared = make(), make()
    expected = [copied(extract(alone, number)) for number in range(_THREADS)]
    _require_same(expected, lambda number: extract(shared, number), "a fresh instance")


def instances_in_threads_equal_instances_in_turn(make: Make, usage: Usage) -> None:
    """Instances that are used in four threads at a time give the results of instances used in turn."""

    def result(number: int) -> Result:
        part, data = make(), _DATA[number % 2]
        usage.fit(part, data)
        return usage.apply(part, data)

    expected = [copied(result(number)) for number in range(_THREADS)]
    _require_same(expected, result, "instances of their own")


def _kinds_of(make: Make) -> Iterator[tuple[str, int, Any]]:
    """Yield instances of each kind, and how many copies of them are tried."""
    part = fitted(make)
    yield "a fitted instance", _COPIES, part
    restored = make()
    restored.load_state_dict(written(deepcopy(part).state_dict()))
    yield "a restored instance", _COPIES // 2, restored
    if isinstance(part, Updatable):
        part.update(stream(training("second")))
        yield "an updated instance", _COPIES // 2, part


def _answer(apply: Apply, part: Any, number: int) -> Result:
    return apply(part, part_of(probe("first"), number, number + 1))


def _require_same(
    expected: list[Result], ask: Callable[[int], Result], kind: str, *, rounds: int = _ROUNDS
) -> None:
    barrier = Barrier(_THREADS)

    def asked(number: int) -> list[Result]:
        barrier.wait()
        return [copied(ask(number)) for _ in range(rounds)]

    with _frequent_switches(), ThreadPoolExecutor(_THREADS) as pool:
        calls = [pool.submit(copy_context().run, asked, number) for number in range(_THREADS)]
    for call, own in zip(calls, expected, strict=True):
        error = call.exception()
        raised = described(error) if error else ""
        require(error is None, f"Expected results from several threads that share {kind}, found {raised}")
        for found in call.result():
            changed = difference(found, own, relative=ROUNDING)
            require(
                not changed,
                f"Expected the same from several threads that share {kind} as in turn, found {changed}. "
                "Keep nothing of a call in attributes, and prepare what scoring needs once, under a lock.",
            )


@contextmanager
def _frequent_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
