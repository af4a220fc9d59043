"""Places for outputs that are not finished.

What a killed run leaves begins with ".padimkit-" and is locked by nobody.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from padimkit.files.locks import locked

PREFIX = ".padimkit-"  # short, since names have at most 255 bytes


@contextmanager
def staged_folder(where: Path) -> Iterator[Path]:
    """Yield a new folder in this one, locked while the block runs and removed at its end unless it moved."""
    staging = Path(tempfile.mkdtemp(prefix=PREFIX, dir=where))
    try:
        with locked(staging):
            yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def staged_file(where: Path) -> Iterator[Path]:
    """Yield a new, empty file in this folder, locked while the block runs, and removed unless it moved."""
    handle, name = tempfile.mkstemp(prefix=PREFIX, dir=where)
    os.close(handle)
    staging = Path(name)
    try:
        with locked(staging):
            yield staging
    finally:
        staging.unlink(missing_ok=True)


def content_of(folder: Path) -> list[Path]:
    """Return what is in a folder, without what is not finished there."""
    return [path for path in folder.iterdir() if not path.name.startswith(PREFIX)]


def remove(path: Path) -> None:
    """Remove a file, or a folder with its content."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
