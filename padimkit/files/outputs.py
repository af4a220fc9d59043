"""Files on disk: outputs that are written completely or not at all, and digests of contents."""

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from padimkit.errors import BadOutput
from padimkit.files.left import finish_left
from padimkit.files.regular import regular
from padimkit.files.replacement import can_be_exchanged, replace_files, replace_folder, sync_folder
from padimkit.files.staging import content_of, staged_file, staged_folder

_BLOCK = 1 << 20
_FOR_SYNC = os.O_RDWR if sys.platform == "win32" else os.O_RDONLY  # Windows syncs what may be written


def file_digest(path: Path) -> str:
    """Return the sha256 of the bytes of a file, which is read in blocks.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with regular(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def new_folder(target: Path, *, overwrite: bool, marker: str) -> Iterator[Path]:
    """Yield a temporary folder that becomes `target` when the block ends without an error.

    It lies beside `target`, and names are exchanged at one instant. Where that cannot be, as with a mount
    point, or a folder in one that may not be written, it lies in `target`, whose content it replaces. Only an
    empty folder, or one that holds the file `marker`, is ever overwritten: any other is not ours. What killed
    runs have left in either place is finished or removed first.

    Raises:
        BadOutput: `target` holds something and is not to be overwritten, cannot be created, or the disk is
            full.
    """
    if target.exists() and not target.is_dir():
        _require_free(target, overwrite=overwrite)
        raise BadOutput(f'"{target}" is a file; expected a folder, or a name that is free.')
    finish_left(target.absolute().parent)
    finish_left(target)
    exists = target.is_dir()
    with _reported(target):
        _require_ours(target, overwrite=overwrite, marker=marker)
        beside = not exists or (bool(content_of(target)) and can_be_exchanged(target))
        where = target.absolute().parent if beside else target.absolute()
        where.mkdir(parents=True, exist_ok=True)
        with staged_folder(where) as staging:
            yield staging
            _finish(staging, target)
            if exists:
                _require_ours(target, overwrite=overwrite, marker=marker)  # somebody may have written there
                replace_folder(staging, target.absolute(), marker)
            else:
                staging.replace(target)
            sync_folder(where)


@contextmanager
def new_file(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary path beside `target` that becomes `target` when the block ends without an error.

    Raises:
        BadOutput: `target` exists and is not to be overwritten, cannot be created, or the disk is full.
    """
    finish_left(target.absolute().parent)  # which may bring the target back
    _require_file(target, overwrite=overwrite)
    with added_file(target) as staging:
        yield staging


@contextmanager
def added_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes `target` as by `new_file`, whatever has been there.

    For folders of very many files: what killed runs have left there is not looked for each time.

    Raises:
        BadOutput: `target` cannot be created, or the disk is full.
    """
    with _reported(target):
        where = target.absolute().parent
        where.mkdir(parents=True, exist_ok=True)
        with staged_file(where) as staging:
            yield staging
            _publish(staging)
            staging.replace(target)
            sync_folder(where)


@contextmanager
def new_files(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a path in a temporary folder that becomes `target` when the block ends without an error.

    Files that were written beside it, which it refers to, come to stand beside `target`. Old and new ones are
    never mixed where `target` is there.

    Raises:
        BadOutput: One of the files exists and `overwrite` is false, cannot be created, or the disk is full.
    """
    where = target.absolute().parent
    finish_left(where)  # which may bring the target back
    _require_file(target, overwrite=overwrite)
    with _reported(target):
        where.mkdir(parents=True, exist_ok=True)
        with staged_folder(where) as folder:
            yield folder / target.name
            for path in folder.iterdir():
                _require_file(target.with_name(path.name), overwrite=overwrite)
                _publish(path)
            replace_files(folder, target.name)
            sync_folder(where)


@contextmanager
def only_holder(path: Path, message: str) -> Iterator[None]:
    """Hold the lock that a file stands for, on any system; it ends with this process, whatever ends it.

    The file itself stays: who waits for it and who comes new must have the same file to lock.

    Raises:
        BadOutput: Another process or thread holds it, as `message` says, or the file cannot be made.
    """
    lock = FileLock(path, blocking=False)
    with _reported(path):
        try:
            lock.acquire()
        except Timeout:
            raise BadOutput(message) from None
    try:
        yield
    finally:
        lock.release()


def _require_free(target: Path, *, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise BadOutput(f'"{target}" exists. Choose another output or pass --overwrite.')


def _require_file(target: Path, *, overwrite: bool) -> None:
    """Check that the name of a file is free, or that of one that is to be overwritten."""
    _require_free(target, overwrite=overwrite)
    if target.is_dir():
        raise BadOutput(f'"{target}" is a folder; expected the name of a file.')


def _require_ours(target: Path, *, overwrite: bool, marker: str) -> None:
    """Check that the folder is new or empty, or an earlier output that is to be overwritten."""
    if not target.exists() or not content_of(target):
        return
    _require_free(target, overwrite=overwrite)
    if not (target / marker).is_file():
        raise BadOutput(
            f'"{target}" is not overwritten: it has no "{marker}", so it is not an earlier output of this '
            "kind. Choose another output, or remove it yourself."
        )


@contextmanager
def _reported(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f' ("{error.filename}")' if error.filename else ""
        raise BadOutput(f'"{target}" cannot be written: {error.strerror or error}{where}.') from error


def _finish(staging: Path, target: Path) -> None:
    staging.chmod(stat.S_IMODE(target.stat().st_mode) if target.is_dir() else 0o777 & ~_umask())
    for path in staging.rglob("*"):
        if path.is_file():
            _publish(path)


def _publish(path: Path) -> None:
    """Give a finished file the usual mode, which safetensors, for one, does not, and see it on the disk."""
    path.chmod(0o666 & ~_umask())
    handle = os.open(path, _FOR_SYNC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
