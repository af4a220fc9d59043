"""Imports of strangers' modules: without their prints, and without a search for garbage."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def prints_set_aside() -> Iterator[None]:
    """Send what is printed within to standard error: standard output is the result of a command.

    The output that a compiled library writes past Python is not redirected.
    """
    with redirect_stdout(sys.stderr):
        yield


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector from running within, unless it is off anyway.

    An import makes a million objects and hardly any garbage: to look through them again and again takes a
    fifth of the seconds in which timm is imported.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
