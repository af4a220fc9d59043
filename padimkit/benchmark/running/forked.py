"""The process of a cell as its runner sees it: forked on Linux, else started.

Servers to fork from are kept while this process lives, as many as cells have run at a time.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, final

from padimkit.benchmark.cell import read_cells
from padimkit.benchmark.running.fork_server import ANSWER, COMMAND
from padimkit.benchmark.running.worker import away_from_here, path_without_here

_RENAMED = "PYTEST_CURRENT_TEST"  # by pytest at each step; nothing is different for it


class Process(Protocol):
    """The members of `subprocess.Popen` that a runner needs.

    Attributes:
        pid: Its number; 0 while it does not run yet.
    """

    pid: int

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: It has not ended after this many seconds.
        """

    def kill(self) -> None:
        """End it, if it has not ended."""


def start(files: Sequence[Path], stderr: Path, environment: dict[str, str]) -> Process:
    """Return the process of a cell, which has begun.

    Args:
        files: The paths of the cell, its outcome, its stage and its places.
        stderr: A file, to which the standard error of the process is appended.
        environment: The variables of its environment.
    """
    variables = path_without_here(environment)
    if sys.platform == "linux":  # a fork of what has imported torch may fail on macOS
        return _Forked(files, stderr, variables)
    command = [*away_from_here("padimkit.benchmark.running.worker", "main"), *map(str, files)]
    with stderr.open("ab") as errors:
        nothing = subprocess.DEVNULL
        return subprocess.Popen(command, env=variables, stdin=nothing, stdout=nothing, stderr=errors)


@final
class _Forked(Process):
    """A process that is forked from a server, which serves the next one when this one has ended."""

    def __init__(self, files: Sequence[Path], stderr: Path, environment: dict[str, str]) -> None:
        self.pid = 0
        self._status: int | None = None
        # The memory of a cell must not depend on what those before it have imported.
        preload = "memory" not in read_cells(files[0])[0].measure
        variables = frozenset((environment | {_RENAMED: ""}).items())
        self._idle = _IDLE.setdefault((os.getpid(), preload, variables), [])
        self._server = _kept(self._idle) or _Server(environment, stderr)
        paths = {"folder": str(Path.cwd()), "stderr": str(stderr)}
        self._server.ask(**paths, files=[str(file) for file in files], preload=preload)

    def wait(self, timeout: float | None = None) -> int:
        if self._status is None:
            self._status = self._finished(timeout)
        return self._status

    def kill(self) -> None:
        if self._status is None:
            self._server.kill()  # which may still import
            if self.pid:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)

    def _finished(self, timeout: float | None) -> int:
        try:
            self.pid = self.pid or self._server.answer(timeout)
            status = self._server.answer(timeout)
        except EOFError:  # the server has been killed, and its cell with it
            return self._server.end()
        self._idle.append(self._server)
        return status


@final
class _Server:
    """A process that forks others, and ends with this one."""

    def __init__(self, environment: dict[str, str], stderr: Path) -> None:
        self._connection, theirs = socket.socketpair()
        with theirs, stderr.open("ab") as errors:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                COMMAND,
                env=environment,
                stdin=theirs.fileno(),
                stdout=errors,  # where nothing is expected
                stderr=errors,
                start_new_session=True,  # an interrupt is for the runner, which ends what it has begun
            )
        atexit.register(self._end_of, os.getpid())

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def ask(self, **request: object) -> None:
        with suppress(BrokenPipeError):  # it has been killed, which its answer tells
            self._connection.sendall(json.dumps(request).encode() + b"\n")

    def answer(self, timeout: float | None) -> int:
        self._connection.settimeout(timeout)
        try:
            found = self._connection.recv(ANSWER)
        except TimeoutError as error:
            raise subprocess.TimeoutExpired(COMMAND, timeout or 0.0) from error
        except ConnectionResetError:
            found = b""
        if not found:
            raise EOFError
        return int.from_bytes(found, "little", signed=True)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()  # else it would pass for alive where it is kept

    def end(self) -> int:
        """Return its exit status when it has ended."""
        self._connection.close()
        return self._process.wait()

    def _end_of(self, owner: int) -> None:
        if os.getpid() == owner:  # a fork of the owner leaves it alone
            self.kill()
            self.end()


# By this process, whose forks must not ask its servers, by whether they import what cells name, and by the
# environment that they have started in.
_IDLE: dict[tuple[int, bool, frozenset[tuple[str, str]]], list[_Server]] = {}


def _kept(idle: list[_Server]) -> _Server | None:
    """Return a server that is alive and waits for work, or None; other threads may take one as well."""
    with suppress(IndexError):
        while (server := idle.pop()).ended:
            server.end()
        return server
    return None
