"""Time and memory of a block of code in this process."""

import gc
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


@dataclass
class Measured:
    """Time and memory of a block; `peak_bytes` is resident memory above that at its beginning.

    `processor_seconds` is the time of all threads of the process, which other processes hardly change.
    """

    seconds: float = 0.0
    processor_seconds: float = 0.0
    peak_bytes: int = 0


@contextmanager
def measured() -> Iterator[Measured]:
    """Measure the block; the measurements can be read when it has ended.

    The peak is the kernel's own high-water mark (Linux), so that nothing is missed between two samples.
    """
    measurement = Measured()
    gc.collect()
    CLEAR_REFS.write_text("5")  # the mark starts again from the memory that is resident now
    before = _resident("VmRSS")
    start, of_processor = time.perf_counter(), time.process_time()
    yield measurement
    measurement.seconds = time.perf_counter() - start
    measurement.processor_seconds = time.process_time() - of_processor
    measurement.peak_bytes = _resident("VmHWM") - before


def typical_seconds(action: Callable[[], object], *, least: int = 5, seconds: float = 2.0) -> float:
    """Return the median of at least `least` calls, or of all in `seconds`, after two that do not count."""
    return median(_durations(action, least, seconds))


def best_seconds(action: Callable[[], object], *, least: int = 5, seconds: float = 2.0) -> float:
    """Return the shortest of many calls, which is that of a machine that nothing disturbs."""
    return min(_durations(action, least, seconds))


def _durations(action: Callable[[], object], least: int, seconds: float) -> list[float]:
    for _ in range(2):
        action()
    durations: list[float] = []
    while len(durations) < least or sum(durations) < seconds:
        start = time.perf_counter()
        action()
        durations.append(time.perf_counter() - start)
    return durations


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    return _resident("VmRSS")


def _resident(key: str) -> int:
    found = re.search(rf"^{key}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024
