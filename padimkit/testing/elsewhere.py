"""The check that a result is the same in another process, where Python hashes texts by another seed.

It stands apart from the checks of the families, which share it, and the one process that is started for all.
"""

import atexit
import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from threading import Event, Timer
from typing import Any, BinaryIO, TypeAlias, final

from padimkit.arguments import arguments
from padimkit.registry.modules import collector_at_rest
from padimkit.testing.answers import ROUNDING, Result, Usage, difference
from padimkit.testing.check import Make, NotApplicable, described, require
from padimkit.testing.inputs.scale import made_up_for
from padimkit.testing.program import fixed_random_state, one_thread, program_restored

_MARK = "PADIMKIT_ANSWERS_CHECKS"  # in the environment of the other process, which starts no third one
_SEEDS = ("1", "2")  # of hashes; the other process has one that this has not
_PROGRAM = (  # imports of torch make a million objects and no garbage: the search for it takes a fifth
    "import gc; gc.set_threshold(100_000); from padimkit.testing.elsewhere import answer_all; answer_all()"
)
_LIMIT = 600.0  # seconds for an answer: longer than any part takes on made-up data
_ONLY_THERE = "Expected the same result from another process, where {}. Here it works."
Answer: TypeAlias = Result | str  # the result of a part, or what happened to it, in words


def other_processes_give_the_same(make: Make, usage: Usage) -> None:
    """The same result comes from another process, whose `hash()` and order of sets differ."""
    part = make()
    expected = usage.result(make)
    found = answered(part, usage)
    if isinstance(found, str):
        require(False, _ONLY_THERE.format(found))
    else:
        changed = difference(found, expected, relative=ROUNDING)
        require(
            not changed,
            f"Expected the same result from another process, found {changed}. Does it depend on hash(), or "
            "on the order of a set?",
        )


def answered(part: Any, usage: Usage) -> Answer:
    """Return the result of a part that is made and used alike in another process, or what happened to it.

    Raises:
        NotApplicable: This is that process, or the part cannot be sent there or is unknown there.
    """
    if _MARK in os.environ:  # a module that is imported there may check its own parts
        raise NotApplicable("This is the other process.")
    try:
        order = pickle.dumps((type(part), arguments(part), usage))
    except Exception as error:  # a stranger's argument may raise anything
        raise NotApplicable("It cannot be sent to another process.") from error
    return _process_for(type(part)).answer(order)


@final
class _Process:
    """Another process, which answers with the results of parts; all checks of this process share it."""

    def __init__(self) -> None:
        seed = next(seed for seed in _SEEDS if seed != os.environ.get("PYTHONHASHSEED"))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path), _MARK: "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._kinds: dict[str, type[Any]] = {}
        atexit.register(self.end)

    def knows_another(self, kind: type[Any]) -> bool:
        """Return whether it knows a class of this name whose module was imported anew here since."""
        return self._kinds.setdefault(f"{kind.__module__}.{kind.__qualname__}", kind) is not kind

    def answer(self, order: bytes) -> Answer:
        """Return the result of a part that is made, fitted and used there, or what happened to it.

        Raises:
            NotApplicable: The class is unknown there. All that goes wrong later is the part's own.
        """
        known = False
        with self._limited() as expired:
            try:
                known = self._asked(order)
                answer = self._read() if known else ""
            except (EOFError, BrokenPipeError):
                _process.cache_clear()
                answer = f"it ended the process, with exit status {self._process.wait()}"
                self.end()
        if expired.is_set():
            return f"it gave no answer in {_LIMIT:.0f} seconds"
        if not known:
            raise NotApplicable("It cannot be made in another process, such as a class of a script.")
        return answer

    def _asked(self, order: bytes) -> bool:
        self.send(order)
        known: bool = self._read()
        return known

    def send(self, order: bytes | str) -> None:
        """Send an order, which will be answered, or the name of a module to import."""
        assert self._process.stdin is not None
        pickle.dump((sys.path, order), self._process.stdin)
        self._process.stdin.flush()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return pickle.load(self._process.stdout)  # of a process that this one has started

    @contextmanager
    def _limited(self) -> Iterator[Event]:
        """End the process if the block takes longer than the limit; the event then is set."""
        expired = Event()

        def expire() -> None:
            expired.set()
            self._process.kill()

        timer = Timer(_LIMIT, expire)
        timer.daemon = True
        timer.start()
        try:
            yield expired
        finally:
            timer.cancel()

    def end(self) -> None:
        """End it, if it has not ended."""
        atexit.unregister(self.end)
        with suppress(BrokenPipeError), self._process:  # which closes its pipes, with what was left in them
            self._process.kill()


def _process_for(kind: type[Any]) -> _Process:
    process = _process()
    if process.knows_another(kind):
        process.end()
        _process.cache_clear()
        process = _process()
        process.knows_another(kind)
    return process


def begin(module: str) -> None:
    """Start the other process, which imports the part's module while this one does, ahead of the check."""
    with suppress(BrokenPipeError):  # it has ended: the check will tell
        _process().send(module)


@cache
def _process() -> _Process:
    return _Process()


def answer_all() -> None:
    """Answer each order on standard input on standard output, until there are no more."""
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what parts print is no answer
    for path, order in _orders(orders):
        sys.path[:] = path  # of the process that asks: a package may have come to it since
        importlib.invalidate_caches()
        if isinstance(order, str):
            _import(order)
            continue
        for answer in _answers(order):
            pickle.dump(answer, answers)
            answers.flush()


def _orders(file: BinaryIO) -> Any:
    while True:
        try:
            yield pickle.load(file)
        except EOFError:
            return


def _import(module: str) -> None:
    """Import a module, and answer nothing: an order that names a class of it says whether it is known."""
    with suppress(Exception), _importing():  # a stranger's module may raise anything
        importlib.import_module(module)


def _answers(order: bytes) -> Iterator[bool | Answer]:
    """Yield whether the class is known here and, if so, the result of the part or what it raised."""
    try:
        with _importing():
            kind, given, usage = pickle.loads(order)
    except Exception:  # a stranger's module may raise anything
        yield False
        return
    yield True
    try:
        yield _result(kind, given, usage)
    except Exception as error:  # a stranger's class may raise anything
        yield f"it raised {described(error)}".rstrip(".")


@contextmanager
def _importing() -> Iterator[None]:
    """Restore whatever the import of a module changes, since other parts come from others."""
    with program_restored(), collector_at_rest():
        yield


def _result(kind: type[Any], given: Mapping[str, Any], usage: Usage) -> Result:
    with one_thread(), program_restored(), fixed_random_state(), made_up_for(kind.checked):
        return usage.result(lambda: kind(**given))
