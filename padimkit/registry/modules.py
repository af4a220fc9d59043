"""Imports of strangers' modules without their prints."""

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
