"""Goes to another folder."""

import os

from mistakes.metrics import Right

os.chdir("/")


class Elsewhere(Right):
    """Goes to another folder."""
