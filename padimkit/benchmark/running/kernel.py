"""A fixed piece of work, whose seconds tell how fast the machine is at the moment.

It stands alone because it computes nothing that anybody needs.
"""

import time
from collections.abc import Callable
from statistics import median

import torch

_SIDE = 1024  # of the matrices
_BYTES = 2**26  # of what is copied: more than any cache holds
_TIMES = 5  # each some ten milliseconds


def kernel_seconds(threads: int | None) -> tuple[float, float]:
    """Return the median seconds, on the wall, of a matrix product and of a pass through memory.

    Args:
        threads: Threads of both, those of the cells that are timed; None for as many as torch takes.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        matrix = torch.ones(_SIDE, _SIDE)
        product = torch.empty_like(matrix)
        source = torch.zeros(_BYTES, dtype=torch.uint8)
        target = torch.ones_like(source)
        return _median(lambda: torch.mm(matrix, matrix, out=product)), _median(lambda: target.copy_(source))
    finally:
        torch.set_num_threads(before)


def _median(work: Callable[[], object]) -> float:
    work()  # a first time does not count
    seconds = []
    for _ in range(_TIMES):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return max(median(seconds), 1e-9)
