"""Work that is done before it is asked for, in threads."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
S = TypeVar("S")


def ahead(
    function: Callable[[T], S], values: Iterable[T], *, workers: int, reach: int
) -> Generator[S, None, None]:
    """What the function makes of each value, in order; an error is raised where its result would be.

    Args:
        function: Should spend its time where Python's lock is not held, as decoding an image does.
        values: What there is to do.
        workers: How many threads do it; 0 does it when it is asked for.
        reach: How many results there may be that have not been asked for.
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
