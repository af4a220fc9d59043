"""Work that threads do ahead of its use.

Apart from the reader, since it knows nothing of images.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from joblib import cpu_count

T = TypeVar("T")
S = TypeVar("S")
MOST_AT_A_TIME = 2**16  # images of a batch: more is a slip
MOST_WORKERS = 1024
_MOST_THREADS = 8  # more would wait for each other: a sixth of the work of decoding holds Python's lock


def usual_workers() -> int:
    """Return the number of threads that decode ahead if none is asked for: one per CPU, none if it is one."""
    usable = cpu_count()
    return min(usable, _MOST_THREADS) if usable > 1 else 0


def ahead(
    function: Callable[[T], S], values: Iterable[T], *, workers: int, reach: int
) -> Generator[S, None, None]:
    """Yield the function's result for each value, in order; an error is raised in place of its result.

    Args:
        function: Should spend its time without Python's lock, as the decoding of an image does.
        values: The function's arguments, one for each call.
        workers: Number of threads; 0 computes each result when it is asked for.
        reach: Number of results that may be computed before they are asked for.
    """
    if workers == 0:
        yield from map(function, values)
        return
    left = iter(values)
    pool = ThreadPoolExecutor(workers, "padimkit")
    try:
        waiting = deque(pool.submit(function, value) for value in islice(left, reach))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, value) for value in islice(left, 1))
            yield result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
