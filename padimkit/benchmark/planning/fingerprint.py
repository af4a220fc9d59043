"""Fingerprints that tell data sets and files apart by their contents."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from os.path import commonpath
from pathlib import Path
from typing import Any

from PIL.Image import Image

from padimkit.benchmark.cell import Facts
from padimkit.benchmark.drawn import Drawn
from padimkit.config.description import plugins_called
from padimkit.config.names import is_dotted
from padimkit.contracts import DataSource
from padimkit.errors import BadData, BrokenPlugin
from padimkit.files import file_digest
from padimkit.images.sample import Sample


def facts_of(source: DataSource) -> Facts:
    """Return the fingerprint and the counts of a data set.

    Names and contents of the files count, wherever they are; without files, all pixels do.

    Raises:
        BadData, BadImage: The data cannot be read.
    """
    digest = hashlib.sha256()
    train, test = source.train(), source.test()
    for samples in (train, test):
        _take(samples, digest)
    anomalous = sum(sample.anomalous is True for sample in test)
    return Facts(digest.hexdigest()[:24], len(train), len(test), anomalous)


def facts_of_drawn(drawn: Drawn) -> Facts:
    """Return the counts of drawn embeddings; their settings, which a key holds too, say all else."""
    return Facts("", drawn.images, 0, 0)


def files_named(settings: Any) -> str:
    """Return a digest of the contents of all files that settings name, such as weights; empty if none.

    Files that parts write (`writes`), such as checkpoints, are no input.

    Raises:
        BadData: A file cannot be read.
    """
    contents = [digest_of(Path(text)) for text in _texts(settings) if _is_file(text)]
    return hashlib.sha256(b"".join(contents)).hexdigest()[:24] if contents else ""


def digest_of(path: Path) -> bytes:
    """Return the digest of the content of a file.

    Raises:
        BadData: It cannot be read.
    """
    try:
        return bytes.fromhex(file_digest(path))
    except OSError as error:
        raise BadData(f'"{path}" cannot be read: {error.strerror}.') from error


def _texts(settings: Any) -> Iterator[str]:
    if isinstance(settings, str):
        yield settings
    elif isinstance(settings, Mapping):
        written = written_by(settings.get("class_path"))
        for name, value in settings.items():
            yield from _texts(_without(value, written) if name == "init_args" else value)
    elif isinstance(settings, list):
        for value in settings:
            yield from _texts(value)


def _without(arguments: Any, written: set[str]) -> Any:
    if not isinstance(arguments, Mapping):
        return arguments
    return {name: value for name, value in arguments.items() if name not in written}


def written_by(name: Any) -> set[str]:
    """Return the arguments that name files which a part of this name writes."""
    if not isinstance(name, str) or is_dotted(name):
        return set()
    found: set[str] = set()
    for plugin in plugins_called(name):
        with suppress(BrokenPlugin):  # one of another family may have the name too, and is not used here
            found |= set(plugin.load().writes)
    return found


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a path, or with a null character
        return False


def _take(samples: Sequence[Sample], digest: "hashlib._Hash") -> None:
    if not samples:
        return
    paths = [sample.path.absolute() for sample in samples]  # some folders may be named relative to here
    top = Path(commonpath([path.parent for path in paths]))
    known: dict[Path, bytes] = {}  # the frames of a video are all within one file
    for sample, path in zip(samples, paths, strict=True):
        name = path.relative_to(top).as_posix()
        digest.update(f"{name}:{sample.anomalous}\n".encode(errors="surrogateescape"))
        digest.update(_content(sample.path, sample.open, known))
        for mask in sample.masks:
            digest.update(_content(mask, sample.open_mask, known))
        for defect in sample.defects:
            digest.update(f"{sorted(defect.enough.items())}\n".encode())


def _content(path: Path, opened: Callable[[Path], Image], known: dict[Path, bytes]) -> bytes:
    """Return the digest of the file, or of the video that holds it as a frame; else the image's pixels."""
    file = next((one for one in (path, *path.parents) if one.is_file()), None)
    if file is None:
        return opened(path).tobytes()
    if file not in known:
        known[file] = digest_of(file)
    return known[file]
