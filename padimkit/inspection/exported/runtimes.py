"""The runtimes of exported models, imported where they are needed, with nothing sent over the network."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from padimkit.errors import BadArgument

_TELEMETRY = "openvino_telemetry"  # without which OpenVINO and NNCF report nothing to anybody
_HIDING = Lock()  # what one thread hides, another must not import


def runtime(name: str, extra: str) -> Any:
    """Return a package that runs or writes models.

    Raises:
        BadArgument: It is not installed; the message names the extra of padimkit that has it.
    """
    try:
        with _unreported():
            return importlib.import_module(name)
    except ImportError as error:
        raise BadArgument(
            f"{name} is needed for this and cannot be imported ({error}). Install it with: "
            f"pip install 'padimkit[{extra}]'"
        ) from error


@contextmanager
def _unreported() -> Iterator[None]:
    """Hide the package that counts uses of OpenVINO and sends them, unless the program has imported it."""
    with _HIDING:
        if _TELEMETRY in sys.modules:
            yield
            return
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # so that its import fails
        try:
            yield
        finally:
            del sys.modules[_TELEMETRY]
