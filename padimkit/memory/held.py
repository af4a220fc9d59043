"""The memory that an object holds.

Apart from memory that is given out: it looks into objects of anybody.
"""

import gc
import sys
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch

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
