"""Embeddings that are kept for further passes, so that these do not run the backbone again."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar, final

import torch
from torch import Tensor

from padimkit.errors import BadArgument, BadOutput
from padimkit.values import Embedding, Pyramid, Stream

One = TypeVar("One", Embedding, Pyramid)


@contextmanager
def cached(
    stream: Iterable[One], *, memory: int = 2**30, folder: Path | None = None
) -> Iterator[Stream[One]]:
    """Read a stream once, and yield its embeddings, or pyramids, for any number of loops within the block.

    Loops give the same values in the same layout of memory, and may run in several threads.

    Args:
        stream: The embeddings to learn from, as `fit` gets them, or the pyramids that `fit_pyramids` gets.
        memory: The bytes of embeddings that stay in the memory of their device. Others lie in a file, which
            is gone at the end of the block, after an error too.
        folder: The folder of the file; by default that of temporary files, which TMPDIR names.

    Raises:
        BadOutput: The file cannot be written; the message names the folder.
        BadArgument: The embeddings are read after the block.
    """
    with _File(Path(tempfile.gettempdir()) if folder is None else folder) as file:
        kept: list[Callable[[], Any]] = []
        for one in stream:
            size = _size(one)
            kept.append(_kept(one, _copied if size <= memory else file.keep))
            memory -= size if size <= memory else 0
        yield Stream(lambda: _read(kept, file), len(kept))


def _read(kept: list[Callable[[], Any]], file: "_File") -> Iterator[Any]:
    for one in kept:
        file.require_open()
        yield one()


def _size(one: Embedding | Pyramid) -> int:
    maps = (one.patches,) if isinstance(one, Embedding) else one.maps
    return sum(tensor.nbytes for tensor in (*maps, one.descriptor) if tensor is not None)


def _kept(
    one: Embedding | Pyramid, keep: Callable[[Tensor], Callable[[], Tensor]]
) -> Callable[[], Embedding | Pyramid]:
    """Keep the tensors, and return a function that makes the embedding, or the pyramid, of them anew."""
    descriptor = (lambda: None) if one.descriptor is None else keep(one.descriptor)
    if isinstance(one, Embedding):
        patches = keep(one.patches)
        return lambda: Embedding(patches(), descriptor())
    maps, alignment = [keep(feature_map) for feature_map in one.maps], one.alignment
    return lambda: Pyramid(tuple(feature_map() for feature_map in maps), descriptor(), alignment)


def _copied(tensor: Tensor) -> Callable[[], Tensor]:
    copy = tensor.detach().clone()  # a part of a larger tensor would keep all of it
    return lambda: copy


@final
class _File:
    """A file without a name, which ends with its block or with the process.

    Raises:
        BadOutput: It cannot be made or written; the message names the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._file = tempfile.TemporaryFile(prefix="padimkit-", dir=folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._unusable(error) from error
        self._end = 0
        self._lock = Lock()  # of the position in the file

    def require_open(self) -> None:
        """Raise BadArgument after the block."""
        if self._file.closed:
            raise BadArgument("Embeddings that were cached for a block were read after it.")

    def keep(self, tensor: Tensor) -> "_Place":
        """Write a tensor, and return its place."""
        order = sorted(range(tensor.ndim), key=lambda axis: -tensor.stride()[axis])  # channels-last stays so
        laid = tensor.detach().permute(order).contiguous()
        rest = laid.cpu().reshape(-1).view(torch.uint8).numpy().data
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._unusable(error) from error
        start, self._end = self._end, self._end + laid.nbytes
        return _Place(self, start, laid.to("meta"), tuple(order), tensor.device)

    def read(self, start: int, size: int) -> Tensor:
        """Return bytes of the file."""
        content = torch.empty(size, dtype=torch.uint8)
        rest = content.numpy().data
        with self._lock:
            self.require_open()  # a thread may be in the middle of a loop when the block ends
            self._file.seek(start)
            while rest:
                rest = rest[self._file.readinto(rest) :]
        return content

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._file.close()

    def _unusable(self, error: OSError) -> BadOutput:
        return BadOutput(
            f'Embeddings cannot be kept in "{self._folder}": {error.strerror}. Free what is short, or '
            "let TMPDIR name a folder on another disk."
        )


@final
@dataclass(frozen=True)
class _Place:
    """The place of a tensor in a file, from which a call reads it."""

    file: _File
    start: int
    laid: Tensor  # without values, in the order of the file
    order: tuple[int, ...]
    device: torch.device

    def __call__(self) -> Tensor:
        content = self.file.read(self.start, self.laid.nbytes).view(self.laid.dtype).view(self.laid.shape)
        back = sorted(range(len(self.order)), key=self.order.__getitem__)
        return content.permute(back).to(self.device)
