"""The state of the machine around a process whose times are measured.

It stands alone because it reads what Linux tells of itself, which other systems do not have.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from padimkit.benchmark.running.kernel import kernel_seconds
from padimkit.benchmark.times import Conditions

_PROCESSORS = Path("/proc/cpuinfo")
_TICKS = Path("/proc/stat")
_STEAL = 7  # place of what other virtual machines took, after user, nice, system, idle, iowait, irq, softirq


@dataclass(frozen=True)
class Ticks:
    """Time of all processors since the system has started, in units of its own.

    Args:
        stolen: The part that other virtual machines took.
        all: All of it.
    """

    stolen: int
    all: int


def conditions(threads: int | None) -> Conditions:
    """Return the state of the machine now, in which the kernel takes this number of threads."""
    product, memory = kernel_seconds(threads)
    return Conditions(product, memory, _load(), _frequency())


def ticks() -> Ticks | None:
    """Return the time of the processors so far; None where the system does not say."""
    words = _text(_TICKS).partition("\n")[0].split()[1 : _STEAL + 2]  # what follows is in the first ones too
    if len(words) <= _STEAL:
        return None
    return Ticks(int(words[_STEAL]), sum(map(int, words)))


def stolen_between(before: Ticks | None, after: Ticks | None) -> float | None:
    """Return the share of the processors' time that was stolen between two moments; None if not known."""
    if before is None or after is None:
        return None
    return (after.stolen - before.stolen) / max(after.all - before.all, 1)


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):  # Windows does not have it
        return None


def _frequency() -> float | None:
    found = re.findall(r"^cpu MHz\s*: ([\d.]+)$", _text(_PROCESSORS), re.MULTILINE)
    return fmean(map(float, found)) if found else None


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8")
    return ""
