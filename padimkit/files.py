"""Files on disk: outputs that are written completely or not at all, and digests of contents."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from padimkit.errors import BadOutput

_BLOCK = 1 << 20


def file_digest(path: Path) -> str:
    """Return the sha256 of the bytes of a file, which is read in blocks.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def new_folder(target: Path, *, overwrite: bool, marker: str) -> Iterator[Path]:
    """Yield a temporary folder beside `target` that becomes `target` when the block ends without an error.

    Only an empty folder, or one that holds the file `marker`, is ever overwritten: any other is not ours.

    Raises:
        BadOutput: `target` exists and is not to be overwritten, cannot be created, or the disk is full.
    """
    _require_free(target, overwrite=overwrite)
    if target.exists() and not target.is_dir():
        raise BadOutput(f'"{target}" is a file; expected a folder, or a name that is free.')
    if target.exists() and any(target.iterdir()) and not (target / marker).is_file():
        raise BadOutput(
            f'"{target}" is not overwritten: it has no "{marker}", so it is not an earlier output of this '
            "kind. Choose another output, or remove it yourself."
        )
    with _reported(target):
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.absolute().parent))
    try:
        with _reported(target):
            yield staging
            _finish(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def new_file(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary path beside `target` that becomes `target` when the block ends without an error.

    Raises:
        BadOutput: `target` exists and is not to be overwritten, cannot be created, or the disk is full.
    """
    _require_free(target, overwrite=overwrite)
    if target.is_dir():
        raise BadOutput(f'"{target}" is a folder; expected the name of a file.')
    with _reported(target):
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.absolute().parent)
        os.close(handle)
    staging = Path(name)
    try:
        with _reported(target):
            yield staging
            staging.chmod(0o666 & ~_umask())
            _sync(staging)
            staging.replace(target)
    finally:
        staging.unlink(missing_ok=True)


def _require_free(target: Path, *, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise BadOutput(f'"{target}" exists. Choose another output or pass --overwrite.')


@contextmanager
def _reported(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f' ("{error.filename}")' if error.filename else ""
        raise BadOutput(f'"{target}" cannot be written: {error.strerror or error}{where}.') from error


def _finish(staging: Path, target: Path) -> None:
    umask = _umask()
    staging.chmod(0o777 & ~umask)
    for path in staging.rglob("*"):
        if path.is_file():
            path.chmod(0o666 & ~umask)  # safetensors, for one, leaves them to their owner
            _sync(path)
    if target.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=staging.parent))
        target.replace(old)
        staging.replace(target)
        shutil.rmtree(old)
    else:
        staging.replace(target)
    _sync(target.absolute().parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
