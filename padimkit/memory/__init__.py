"""Memory for large tensors and for embeddings that are read again, and the memory that is held."""

from padimkit.memory.allocation import IN_MEMORY, ON_DISK, Allocator, InMemory, OnDisk
from padimkit.memory.cache import cached
from padimkit.memory.held import held_by
from padimkit.memory.slicing import CACHE, WORKSPACE, slices

__all__ = [
    "CACHE",
    "IN_MEMORY",
    "ON_DISK",
    "WORKSPACE",
    "Allocator",
    "InMemory",
    "OnDisk",
    "cached",
    "held_by",
    "slices",
]
