"""Rates of this machine, measured beside the costs that are to reach them.

It stands alone because it computes nothing that anybody needs.
"""

import time
from collections.abc import Callable

import torch

from padimkit.benchmark.record import DOUBLE, MEMORY, SINGLE

_SIDE = 1024  # of the matrices: larger ones are hardly quicker
_BYTES = 2**27  # of what is copied: more than any cache holds
_TIMES = 3


def measured_rates() -> dict[str, float]:
    """Return operations of matrix products and bytes of a copy in a second of the processor, at best.

    Of several threads it is the rate of each.
    """
    products = 2 * _SIDE**3
    source = torch.zeros(_BYTES, dtype=torch.uint8)
    target = torch.ones_like(source)
    return {
        SINGLE: products / _least(_product(torch.float32)),
        DOUBLE: products / _least(_product(torch.float64)),
        MEMORY: 2 * _BYTES / _least(lambda: target.copy_(source)),
    }


def _product(dtype: torch.dtype) -> Callable[[], object]:
    matrix = torch.ones(_SIDE, _SIDE, dtype=dtype)
    found = torch.empty_like(matrix)
    return lambda: torch.mm(matrix, matrix, out=found)


def _least(work: Callable[[], object]) -> float:
    """Return the least seconds, after a first time that does not count."""
    work()
    seconds = []
    for _ in range(_TIMES):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return max(min(seconds), 1e-9)
