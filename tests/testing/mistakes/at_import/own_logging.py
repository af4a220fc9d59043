"""Sets the format and the level of all logging."""

import logging

from mistakes.metrics import Right

logging.basicConfig(level=logging.DEBUG)


class OwnLogging(Right):
    """Sets the format and the level of all logging."""
