"""The settings of the whole program: which of them have been changed, and how each is put back.

Apart from the checks that ask for them, since every check puts them back when it ends.
"""

import gc
import logging
import multiprocessing
import os
import pickle
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageFile

_OF_TORCH = "TORCHINDUCTOR_"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class _Setting:
    """A setting of the program: how it is read, and how it is set to what was read before."""

    read: Callable[[], Any]
    put_back: Callable[[Any], object]


def _of(holder: Any, name: str) -> _Setting:
    return _Setting(lambda: getattr(holder, name), lambda value: setattr(holder, name, value))


def _umask() -> int:
    found = os.umask(0o077)  # it can be read in no other way
    os.umask(found)
    return found


def _ignoring() -> int:
    """Return how many filters ignore all warnings of a kind, whatever they say and wherever from."""
    return sum(one[0] == "ignore" and one[1] is None and one[3] is None for one in warnings.filters)


def _environment() -> dict[str, str]:
    """Return it without the names that torch adds when it first needs them."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OF_TORCH)}


def _put_environment_back(before: dict[str, str]) -> None:
    for name in _environment().keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _put_handlers_back(before: list[logging.Handler]) -> None:
    logging.root.handlers[:] = before


def _put_signals_back(before: dict[str, Any]) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            signal.signal(number, before[number.name])


def _put_path_back(before: list[str]) -> None:
    sys.path[:] = before


_SETTINGS = {
    "gradients": _Setting(torch.is_grad_enabled, torch.set_grad_enabled),
    "the default type": _Setting(torch.get_default_dtype, torch.set_default_dtype),
    "the default device": _Setting(
        lambda: str(torch.get_default_device()),
        lambda before: torch.set_default_device(None if before == "cpu" else before),
    ),
    "threads of torch": _Setting(torch.get_num_threads, torch.set_num_threads),
    "deterministic algorithms": _Setting(
        torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    ),
    "the precision of products": _Setting(
        torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    ),
    "cudnn.benchmark": _of(torch.backends.cudnn, "benchmark"),
    "cudnn.deterministic": _of(torch.backends.cudnn, "deterministic"),
    "cudnn.enabled": _of(torch.backends.cudnn, "enabled"),
    "the search for anomalies in gradients": _Setting(
        torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly
    ),
    "how tensors are shared": _Setting(
        torch.multiprocessing.get_sharing_strategy, torch.multiprocessing.set_sharing_strategy
    ),
    "the garbage collector": _Setting(gc.isenabled, lambda before: gc.enable() if before else gc.disable()),
    "standard output": _of(sys, "stdout"),
    "errors of numpy": _Setting(np.geterr, lambda before: np.seterr(**before)),
    "Image.MAX_IMAGE_PIXELS": _of(Image, "MAX_IMAGE_PIXELS"),
    "ImageFile.LOAD_TRUNCATED_IMAGES": _of(ImageFile, "LOAD_TRUNCATED_IMAGES"),
    "the level of logging": _of(logging.root, "level"),
    "what logging leaves out": _of(logging.root.manager, "disable"),
    "handlers of logging": _Setting(lambda: list(logging.root.handlers), _put_handlers_back),
    "the folder": _Setting(lambda: str(Path.cwd()), os.chdir),
    "the search path": _Setting(lambda: list(sys.path), _put_path_back),
    "the environment": _Setting(_environment, _put_environment_back),
    "the mask of new files": _Setting(_umask, os.umask),
    "signals": _Setting(lambda: {n.name: signal.getsignal(n) for n in _SIGNALS}, _put_signals_back),
    "sys.excepthook": _of(sys, "excepthook"),
    "the recursion limit": _Setting(sys.getrecursionlimit, sys.setrecursionlimit),
    "how processes start": _Setting(
        # To ask for it, as exporters of torch do, settles for the first of all, which is no change.
        lambda: (
            multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
        ),
        lambda method: multiprocessing.set_start_method(method, force=True),
    ),
}
Settings: TypeAlias = dict[str, Any]


def settings() -> Settings:
    """Return all settings of the program by name."""
    return {name: setting.read() for name, setting in _SETTINGS.items()} | {"ignored": _ignoring()}


def changed(before: Settings) -> list[str]:
    """Return in words which settings of the program are others than these."""
    now = settings()
    found = [_told(name, before[name], now[name]) for name in _SETTINGS if before[name] != now[name]]
    return found + (["warnings to be ignored, of all kinds"] if now["ignored"] > before["ignored"] else [])


def _told(name: str, before: Any, now: Any) -> str:
    if isinstance(before, dict) and isinstance(now, dict):  # no values: the environment may hold secrets
        different = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        return f"{name} ({', '.join(different[:3])})"
    if isinstance(before, list):
        return name
    return f"{name} from {before} to {now}"


@contextmanager
def program_restored() -> Iterator[None]:
    """Put the settings of the program back that a part changes, so that other checks tell of other things."""
    before = settings()
    with warnings.catch_warnings():
        try:
            yield
        finally:
            for name, setting in _SETTINGS.items():
                if setting.read() != before[name]:
                    setting.put_back(before[name])


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread within the block: sums in another order round otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # made-up data are small: more threads would mostly wait for each other
    try:
        yield
    finally:
        torch.set_num_threads(threads)


_SEED = 918_273  # of shared generators: one that nobody seeds them with


@contextmanager
def fixed_random_state() -> Iterator[None]:
    """Set the same global random state in every run, and restore the earlier state at the end."""
    with torch.random.fork_rng(devices=[]):
        of_numpy, of_python = np.random.get_state(), random.getstate()
        torch.default_generator.manual_seed(_SEED)  # torch.manual_seed would reseed the GPUs too
        np.random.seed(_SEED)
        random.seed(_SEED)
        try:
            yield
        finally:
            np.random.set_state(of_numpy)
            random.setstate(of_python)


def global_random_state() -> dict[str, bytes]:
    """Return the state of each shared generator, by the name of its library."""
    states = {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": pickle.dumps(np.random.get_state()),
    }
    if "beartype" not in sys.modules:  # it draws from Python's generator to choose which items it checks
        states["random"] = pickle.dumps(random.getstate())
    return states


def files_in(folder: Path) -> set[str]:
    """Return the names in a folder, but for what Python itself writes there."""
    return {path.name for path in folder.iterdir()} - {"__pycache__"}
