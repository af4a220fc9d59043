"""Memory for large tensors: that of the device, or temporary files if it is too small; and what is held."""

import gc
import math
import os
import sys
import tempfile
from abc import ABC, abstractmethod
from types import FunctionType, ModuleType
from typing import IO, Any, final

import numpy as np
import torch
from torch import Tensor

from padimkit.errors import BadOutput, OverBudget

_BLOCK = 2**20  # bytes


class Allocator(ABC):
    """A source of tensors that are kept."""

    @abstractmethod
    def empty(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
        """Return a contiguous tensor with uninitialised values."""

    def copy(self, tensor: Tensor) -> Tensor:
        """Return a copy of the tensor, kept here."""
        kept = self.empty(tuple(tensor.shape), tensor.dtype, tensor.device)
        return kept.copy_(tensor)


@final
class InMemory(Allocator):
    """The memory of the device."""

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
        return torch.empty(shape, dtype=dtype, device=device)


@final
class OnDisk(Allocator):
    """Temporary files, mapped into memory and deleted with their tensors.

    The system caches the files in memory while there is room, and frees it when others need it.

    Raises:
        OverBudget: The tensor belongs on another device than the CPU.
        BadOutput: The disk of the temporary folder is full.
    """

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
        if device.type != "cpu":
            raise OverBudget(
                f'"memory_budget" is too small, and on "{device}" nothing can be kept in a file. '
                "Use a larger one, or the device cpu."
            )
        size = math.prod(shape) * dtype.itemsize
        if size == 0:  # cannot be mapped
            return torch.empty(shape, dtype=dtype)
        try:
            with tempfile.TemporaryFile(prefix="padimkit-") as file:
                _reserve(file, size)
                content = np.memmap(file, np.uint8, "r+", shape=(size,))
        except OSError as error:
            raise BadOutput(
                f'{size / 1e9:.2f} GB cannot be spooled to "{tempfile.gettempdir()}": {error.strerror}. '
                "Free what is short, or let TMPDIR name a folder on another disk."
            ) from error
        return torch.from_numpy(content).view(dtype).view(shape)


def _reserve(file: IO[bytes], size: int) -> None:
    """Take the room on disk now: a full one would otherwise end the process when the map is written."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    block = bytes(min(size, _BLOCK))  # as glibc does where a file system cannot reserve: Windows and macOS
    for start in range(0, size, len(block)):
        file.write(block[: size - start])
    file.flush()


IN_MEMORY = InMemory()
ON_DISK = OnDisk()

WORKSPACE = 2**25  # bytes
CACHE = 2**22  # bytes; results of this size are still in a cache when they are needed again


def slices(positions: int, bytes_per_position: int, workspace: int = WORKSPACE) -> list[slice]:
    """Return consecutive slices of the positions; each takes `workspace` bytes, or is a single position."""
    step = max(1, workspace // max(1, bytes_per_position))
    return [slice(start, min(start + step, positions)) for start in range(0, positions, step)]


_SPARSE = {  # by layout, the methods that return what holds the numbers
    torch.sparse_coo: ("_indices", "_values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
}


def held_by(part: object) -> int:
    """Return the bytes of all tensors, arrays and vectors of FAISS that an object leads to, each once."""
    seen: set[int] = set()
    buffers: dict[int, int] = {}
    parts: list[list[torch.Tensor]] = []  # kept until the end, so that no other object gets their identity
    waiting: list[Any] = [part]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType):
            continue
        seen.add(id(one))
        if isinstance(one, torch.Tensor) and one.layout in _SPARSE:
            parts.append([getattr(one, name)() for name in _SPARSE[one.layout]])
            waiting += parts[-1]
        elif isinstance(one, torch.Tensor):
            storage = one.untyped_storage()
            buffers[storage.data_ptr()] = storage.nbytes()
        elif isinstance(one, np.ndarray) and one.base is None:
            buffers[one.ctypes.data] = one.nbytes
        elif _is_index(one):
            buffers[id(one)] = one.ntotal * one.sa_code_size()
        elif isinstance(one, np.ndarray):
            waiting.append(one.base)  # which the collector of garbage does not tell
        # The globals of a function lead to everything there is.
        waiting += (
            [one.__closure__, one.__defaults__] if isinstance(one, FunctionType) else gc.get_referents(one)
        )
    return sum(buffers.values())


def _is_index(one: object) -> bool:
    faiss = sys.modules.get("faiss")  # there is none of its objects where nobody has imported it
    return faiss is not None and isinstance(one, faiss.Index)
