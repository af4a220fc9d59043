"""Memory, open files and threads of this process, at each look while it works."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LOOK = 0.1  # seconds


@dataclass(frozen=True)
class Held:
    """What a process holds: MiB of resident memory, open files, and threads."""

    mib: float
    files: int
    threads: int

    @classmethod
    def now(cls) -> "Held":
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        files = len(list(Path("/proc/self/fd").iterdir()))
        return cls(int(status["VmRSS"].split()[0]) / 1024, files, int(status["Threads"]))


@dataclass(frozen=True)
class Found:
    """What a part has held, after a tenth of its work and at its end, and whether results are as alone."""

    part: str
    count: int
    seconds: float
    tenth: Held
    end: Held
    peak: float
    as_alone: bool


@contextmanager
def looked_at() -> Iterator[list[Held]]:
    """Yield what this process holds, at each look while the block runs."""
    looks, ended = [Held.now()], threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK):
            looks.append(Held.now())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield looks
    finally:
        ended.set()
        thread.join()
        looks.append(Held.now())


def measured(part: str, count: int, work: Callable[[], object], is_as_alone: Callable[[], bool]) -> Found:
    """Do the work, and look at this process meanwhile."""
    start = time.perf_counter()
    with looked_at() as looks:
        work()
    seconds = time.perf_counter() - start
    tenth, end = looks[max(1, len(looks) // 10)], looks[-1]
    peak = max(look.mib for look in looks)
    return Found(part, count, round(seconds, 1), tenth, end, peak, is_as_alone())


def line(found: Found) -> str:
    """Return a line of the table."""
    held = " | ".join(
        f"{getattr(found.tenth, name):.0f} -> {getattr(found.end, name):.0f}"
        for name in ("mib", "files", "threads")
    )
    return (
        f"| {found.part} | {found.count:,} | {found.seconds:g} | {held} | {found.peak:.0f} | "
        f"{'as alone' if found.as_alone else 'OTHERS'} |"
    )
