"""Locks on what is not finished: they end with the process that holds them, whatever ends it.

Windows has no such locks of folders, so what a killed run leaves stays there.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_SETTLED = 10  # seconds within which what was made may not be locked yet


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with this process, whatever ends it."""
    handle = None
    with suppress(OSError):  # some network disks lock nothing, and Windows no folders: what is left stays
        if sys.platform != "win32":
            handle = os.open(path, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def left_behind(path: Path, *, settled: float = _SETTLED) -> Iterator[bool]:
    """Yield whether this user made it, more than `settled` seconds ago; then nobody else holds it."""
    handle = None
    with suppress(OSError):  # it has gone, or may not be opened
        if sys.platform != "win32":  # which does not tell whether a folder is held
            found = path.lstat()
            ours = found.st_uid == os.geteuid() and not path.is_symlink()
            if ours and time.time() - found.st_mtime >= settled:
                handle = os.open(path, os.O_RDONLY)
    try:
        yield handle is not None and _is_taken(handle, path)
    finally:
        if handle is not None:
            os.close(handle)


def _is_taken(handle: int, path: Path) -> bool:
    """Lock what is open, and return whether nobody else has it, and it still has this path."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), path.lstat())
    except OSError:
        return False
