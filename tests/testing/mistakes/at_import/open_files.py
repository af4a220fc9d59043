"""Lets everybody write the files of the program."""

import os

from mistakes.metrics import Right

os.umask(0)


class OpenFiles(Right):
    """Lets everybody write the files of the program."""
