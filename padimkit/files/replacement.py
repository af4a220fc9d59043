"""The replacement of outputs: at one instant where the system can, else by an intent that is written down.

The next run finishes the intent of one that was killed.
"""

import ctypes
import errno
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from padimkit.files.locks import left_behind, locked
from padimkit.files.staging import PREFIX, content_of, remove

INTENT = f"{PREFIX}intent-"
# Windows does not open folders, and some network file systems do not sync them.
_NO_FOLDERS = (errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF)
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


def can_be_exchanged(folder: Path) -> bool:
    """Return whether another folder may take the name of this one, which has content.

    Not that of a link, a mount point, somebody else's folder, or one that this process stands in.
    """
    return (
        sys.platform == "linux"
        and not (folder.is_symlink() or folder.is_mount())
        and folder.stat().st_uid == os.geteuid()
        and not Path.cwd().is_relative_to(folder.resolve())
        and os.access(folder.absolute().parent, os.W_OK | os.X_OK)
    )


def replace_folder(staging: Path, target: Path, last: str) -> None:
    """Put a finished folder, beside another one or in it, or else its content, in the place of that one.

    Where names can be exchanged, old or new is there at each instant. Elsewhere the content is moved, the
    file named `last` at the end, after the intent has been written down, which `finish_left` carries out.

    Raises:
        OSError: It cannot be done, and the old content is in its place.
    """
    if staging.parent == target:
        _replace(staging, content_of(target), last)
    elif not exchange(staging, target):
        inside = target / staging.name
        staging.replace(inside)
        try:
            _replace(inside, content_of(target), last)
        finally:
            shutil.rmtree(inside, ignore_errors=True)


def replace_files(staging: Path, last: str) -> None:
    """Put finished files in the place of those of their names around the folder that they are in.

    The file named `last` is the first to go and the last to come: it never stands with those of another. Of
    several files the intent is written down before, as where a folder is replaced.

    Raises:
        OSError: It cannot be done, and the old files are in their place.
    """
    names = [path.name for path in staging.iterdir()]
    if len(names) == 1:
        (staging / last).replace(staging.parent / last)
        return
    beside = [staging.parent / name for name in names]
    _replace(staging, [path for path in beside if os.path.lexists(path)], last)


def exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders at one instant; return False where system or disk cannot."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)


def sync_folder(path: Path) -> None:
    """Let the names in a folder survive a power cut, where the system can promise that."""
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDERS:
            raise


def _replace(staging: Path, old_content: Iterable[Path], last: str) -> None:
    """Move old content away and the new one in, around its folder; the last to come is the first to go."""
    target = staging.parent
    names = sorted((path.name for path in staging.iterdir()), key=lambda name: name == last)
    earlier = sorted(old_content, key=lambda path: path.name != last)
    intent: dict[str, object] = {
        "new": staging.name,
        "names": names,
        "earlier": [path.name for path in earlier],
    }
    with _intended(target, intent) as old:
        _move(earlier, old)
        try:
            _move([staging / name for name in names], target)
        except BaseException:
            _move([old / path.name for path in reversed(earlier)], target)
            raise


@contextmanager
def _intended(target: Path, intent: dict[str, object]) -> Iterator[Path]:
    """Yield a folder for old content, after an intent was written down that a kill would leave."""
    old = Path(tempfile.mkdtemp(prefix=PREFIX, dir=target))
    try:
        handle, name = tempfile.mkstemp(prefix=INTENT, dir=target)
        with locked(Path(name)), locked(old):
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(intent | {"old": old.name}, file)
                    file.flush()
                    os.fsync(file.fileno())
                sync_folder(target)  # or a power cut could forget the intent, and keep what follows it
                yield old
            except BaseException:
                if not any(old.iterdir()):  # else the next run moves back what could not be
                    Path(name).unlink(missing_ok=True)
                raise
            Path(name).unlink()
            shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        with suppress(OSError):
            old.rmdir()
        raise


def _move(paths: Iterable[Path], folder: Path) -> None:
    """Move all of the files and folders, or none."""
    moved: list[Path] = []
    try:
        for path in paths:
            path.replace(folder / path.name)
            moved.append(path)
    except BaseException:
        for path in reversed(moved):
            (folder / path.name).replace(path)
        raise


def finish_intent(intent: Path) -> list[Path]:
    """Give a folder the new content of an intent, or the old one where the new one has gone."""
    folder = intent.parent
    try:
        values = json.loads(intent.read_text(encoding="utf-8"))
        new, old = (folder / _name(values[key], begins=PREFIX) for key in ("new", "old"))
        names, earlier = ([_name(name) for name in values[key]] for key in ("names", "earlier"))
    except (ValueError, KeyError, TypeError, RecursionError):  # killed before anything was moved
        return []
    if new.is_dir():
        with left_behind(new, settled=0) as left:
            if not left:
                return []
            _move_on(names, earlier, new, old)
    elif old.is_dir():
        for path in old.iterdir():
            remove(folder / path.name)
            path.replace(folder / path.name)
    intent.unlink()
    for path in (new, old):
        shutil.rmtree(path, ignore_errors=True)
    return [folder]


def _move_on(names: Sequence[str], earlier: Sequence[str], new: Path, old: Path) -> None:
    """Move what a killed run has not: old content goes first, and so is gone once new content has come."""
    folder = new.parent
    left = [name for name in names if os.path.lexists(new / name)]
    if left == list(names):
        old.mkdir(exist_ok=True)
        _move([folder / name for name in earlier if os.path.lexists(folder / name)], old)
    _move([new / name for name in left], folder)


def _name(value: object, begins: str = "") -> str:
    if not isinstance(value, str) or Path(value).name != value or not value.startswith(begins):
        raise ValueError(f"{value!r} is not such a name in this folder")
    return value
