"""Takes the signal by which a program is told to end."""

import signal

from mistakes.metrics import Right

signal.signal(signal.SIGTERM, signal.SIG_IGN)  # that of an interrupt is ignored in the background anyway


class OwnSignals(Right):
    """Takes the signal by which a program is told to end."""
