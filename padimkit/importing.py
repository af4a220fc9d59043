"""Imports of code that is not ours."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def prints_set_aside() -> Iterator[None]:
    """Sends what is printed within to standard error: standard output is the result of a command.

    What a compiled library writes past Python stays where it goes.
    """
    with redirect_stdout(sys.stderr):
        yield
