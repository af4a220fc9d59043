"""Memory of this process and of its GPU, and bytes of a model.

It stands alone because it reads the kernel's own marks, which differ from system to system.
"""

import ctypes
import gc
import re
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import final

import torch

from padimkit.benchmark.record import DEVICE, DISK, FITTED, HELD, MODEL, PEAK
from padimkit.memory import held_by
from padimkit.pipeline.pipeline import Pipeline
from padimkit.pipeline.states import under
from padimkit.stages import STORAGE, stage
from padimkit.storage import save

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


@final
class Peaks:
    """The most resident memory of this process, and of parts of its life.

    The kernel's own high-water mark is read, so that nothing between two samples is missed. Parts can be told
    apart on Linux only.

    Attributes:
        bytes: PEAK of the process, and of each part by its name, above what was resident when it began.
    """

    def __init__(self) -> None:
        self.bytes = {PEAK: 0}
        self._begin()

    def end(self, name: str) -> None:
        """End the part that began when the last one ended, or with this object."""
        most = _resident("VmHWM") or _used_at_most()
        self.bytes[PEAK] = max(self.bytes[PEAK], most)
        if _CLEAR.exists():
            self.bytes[name] = max(0, most - self._start)
        self._begin()

    def _begin(self) -> None:
        _give_back()
        self.bytes[PEAK] = max(self.bytes[PEAK], _resident("VmHWM"))
        if _CLEAR.exists():
            _CLEAR.write_text("5", encoding="utf-8")
        self._start = _resident("VmRSS")


def sizes_of(pipeline: Pipeline) -> dict[str, int]:
    """Return the bytes of a fitted pipeline, by the names of a record's `bytes`."""
    state = pipeline.state_dict()
    sizes = {
        MODEL: sum(tensor.nbytes for tensor in state.values()),
        FITTED: sum(tensor.nbytes for tensor in under("heads", state).values()),
        HELD: held_by(pipeline),
    }
    with stage(STORAGE), tempfile.TemporaryDirectory() as folder:
        save(pipeline, Path(folder) / "model")
        sizes[DISK] = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    devices = {tensor.device for tensor in state.values() if tensor.device.type == "cuda"}
    if devices:
        sizes[DEVICE] = sum(map(torch.cuda.max_memory_allocated, devices))
    return sizes


def resident() -> int:
    """Return the bytes of this process that are in memory, without what it has freed; 0 if not known."""
    _give_back()
    return _resident("VmRSS")


def _give_back() -> None:
    """Give freed memory back to the system (glibc); else the next part would start with it."""
    gc.collect()
    if sys.platform == "win32":  # which does not have a library of all that is loaded
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _used_at_most() -> int:
    if sys.platform == "win32":
        return int(import_module("psutil").Process().memory_info().peak_wset)
    import resource  # Windows does not have it

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def _resident(key: str) -> int:
    if not _STATUS.exists():
        return 0
    found = re.search(rf"^{key}:\s+(\d+) kB$", _STATUS.read_text(encoding="utf-8"), re.MULTILINE)
    return 1024 * int(found[1]) if found else 0
