"""A folder of arrays by key that processes share: mapped into memory, checked, and bounded in size."""

import hashlib
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import final

import numpy as np
from filelock import FileLock

from padimkit.benchmark.cell import Shelf
from padimkit.files.staging import staged_file

_CHECKSUM = 4  # bytes behind the array: a system that has crashed may leave a file with other content
_SHARE = 64  # of the limit may be written before the files of all processes are counted again
_LOOK = 0.01  # seconds between two looks at the lock


@final
class FeatureStore:
    """Arrays that are written once and read often, by any number of processes.

    Nothing depends on it: what cannot be kept, or has been removed meanwhile, is not there, and is computed.
    Where the limit is reached, what was used longest ago goes, but nothing that this process has used: a loop
    over more than there is room for would otherwise remove each array before it comes again.

    Args:
        shelf: The folder of the arrays, and the bytes that all folders beside it may take.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._folder = Path(shelf.folder)
        self._since = time.time()
        self._taken = 0
        self._uncounted = shelf.most_bytes  # nothing is known yet
        self._is_full = False

    def get(self, key: str) -> np.ndarray | None:
        """Return an array, mapped privately, so that nobody sees what is written into it; None for none."""
        path = self._path(key)
        try:
            found: np.ndarray = np.load(path, mmap_mode="c", allow_pickle=False)
            with path.open("rb") as file:
                file.seek(-_CHECKSUM, os.SEEK_END)
                expected = file.read()
            os.utime(path)
        except (OSError, ValueError, EOFError):
            return None
        return found if _checksum(found) == expected else None

    def __contains__(self, key: str) -> bool:
        return self._path(key).exists()

    def put(self, key: str, array: np.ndarray) -> None:
        """Keep an array, whole or not at all, if there is room for it."""
        size = array.nbytes + 128 + _CHECKSUM
        self._is_full = not self._has_room(size)
        if self._is_full:
            return
        with suppress(OSError):  # as of a full disk
            self._folder.mkdir(parents=True, exist_ok=True)
            with staged_file(self._folder) as staging:
                with staging.open("wb") as file:
                    np.save(file, array, allow_pickle=False)
                    file.write(_checksum(array))
                staging.replace(self._path(key))
            self._taken += size
            self._uncounted += size

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Let no two processes compute for one folder at a time: the second finds what the first has kept.

        Where nothing more is kept, they need not wait, nor where nothing can be written.
        """
        with ExitStack() as held:
            if not self._is_full:
                with suppress(OSError):
                    self._folder.mkdir(parents=True, exist_ok=True)
                    held.enter_context(FileLock(self._folder / "computing").acquire(poll_interval=_LOOK))
            yield

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"

    def _has_room(self, size: int) -> bool:
        most = self.shelf.most_bytes
        if self._uncounted >= most / _SHARE or self._taken + size > most:
            files = sorted(_files(self._folder.parent))
            self._taken, self._uncounted = sum(taken for _, taken, _ in files), 0
            self._remove([one for one in files if one[0] < self._since], self._taken + size - most)
        return self._taken + size <= most

    def _remove(self, files: list[tuple[float, int, str]], surplus: int) -> None:
        for _, taken, path in files:
            if surplus <= 0:
                return
            with suppress(OSError):  # another process was quicker, or Windows keeps what is mapped
                os.unlink(path)  # noqa: PTH108
            surplus -= taken
            self._taken -= taken


def _files(top: Path) -> Iterator[tuple[float, int, str]]:
    """Yield the time of the last use, the size and the path of each array in the folders of a folder."""
    for folder in top.glob("*/"):
        with suppress(OSError), os.scandir(folder) as found:
            for one in found:
                with suppress(OSError):  # it has just gone
                    status = one.stat()
                    if one.name.endswith(".npy"):
                        yield status.st_mtime, status.st_size, one.path


def _checksum(array: np.ndarray) -> bytes:
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data).to_bytes(
        _CHECKSUM, "little"
    )
