"""Takes the signal by which a user interrupts the program."""

import signal

from mistakes.metrics import Right

signal.signal(signal.SIGINT, signal.SIG_IGN)


class OwnSignals(Right):
    """Takes the signal by which a user interrupts the program."""
