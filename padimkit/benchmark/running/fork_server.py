"""The process from which those of cells are forked: it imports what all cells need, once.

Of plugins these are padimkit's own, as far as cells name them: the import of timm takes longer than a small
cell. It is the other side of a process border. Standard input is a socket: requests come as lines of JSON,
and answers are numbers of four bytes.
"""

import atexit
import gc
import io
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from padimkit.benchmark.running.worker import away_from_here, end_with, run

ANSWER = 4  # bytes of a number
COMMAND = away_from_here("padimkit.benchmark.running.fork_server", "serve")


def serve() -> None:
    """Fork a process for each request, and answer with its number and then with its exit status.

    A request holds the arguments of `_work`, and whether the parts that the cell names are imported before.
    This process ends, and with it the cell that runs, when nobody can ask any more: the runner closes the
    socket, if only by its own end.
    """
    server, runner, (woken, waker) = os.getpid(), socket.socket(fileno=0), os.pipe()
    os.set_blocking(waker, False)
    execution = import_module("padimkit.benchmark.running.execution")
    requests = runner.makefile("rb")
    signal.signal(signal.SIGCHLD, lambda *_: None)  # only a signal with a handler wakes
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    while request := requests.readline():
        given = json.loads(request)
        if given.pop("preload"):
            execution.preload(Path(given["files"][0]))
        gc.freeze()  # or each collection in a cell would copy what it shares with this process
        process = os.fork()
        if process == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            end_with(server)
            _end(partial(_work, **given))
        _answer(runner, process)
        _answer(runner, _status(process, woken, runner))
    os._exit(0)  # nothing is left to be done, and torch would take its time


def _status(process: int, woken: int, runner: socket.socket) -> int:
    """Wait until the process ends, or end it when nobody waits for it any more; return its exit status."""
    while not (ended := os.waitpid(process, os.WNOHANG))[0]:
        ready, _, _ = select.select([woken, runner.fileno()], [], [])
        if runner.fileno() in ready:
            os.kill(process, signal.SIGKILL)
        if woken in ready:
            os.read(woken, 4096)
    return os.waitstatus_to_exitcode(ended[1])


def _end(work: Callable[[], None]) -> NoReturn:
    """Do the work and end this process as Python does, but for taking apart all that it has imported.

    That writes to nearly all pages which a fork shares with its server: 0.4 s of processor time a cell.
    """
    status = _status_after(work)
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as `multiprocessing` does
    atexit._run_exitfuncs()
    # Without the objects of the server, which are frozen, but for the standard streams.
    for one in (sys.stdout, sys.stderr, *gc.get_objects()):
        if issubclass(type(one), io.TextIOWrapper | io.BufferedWriter) and not one.closed:
            with suppress(OSError):
                one.flush()
    gc.collect()  # what is left in cycles may have an end of its own
    os._exit(status)


def _status_after(work: Callable[[], None]) -> int:
    """Do the work and return the exit status that Python would end with."""
    try:
        work()
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return (error.code or 0) & 0xFF
        print(error.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _answer(runner: socket.socket, number: int) -> None:
    runner.sendall(number.to_bytes(ANSWER, "little", signed=True))


def _work(folder: str, stderr: str, files: list[str]) -> None:
    import numpy

    os.chdir(folder)
    nothing, errors = os.open(os.devnull, os.O_RDWR), os.open(stderr, os.O_WRONLY | os.O_APPEND)
    for ours, standard in ((nothing, 0), (nothing, 1), (errors, 2)):
        os.dup2(ours, standard)
    numpy.random.seed()  # a part that draws without a seed draws anew in each cell
    run(*files)
