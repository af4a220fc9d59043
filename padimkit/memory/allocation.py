"""Memory for large tensors: that of the device, or temporary files if it is too small.

Apart from embeddings that are kept for further passes, which share a file and are not mapped.
"""

import math
import os
import tempfile
from abc import ABC, abstractmethod
from typing import IO, final

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
