"""Writes its log into the working folder."""

from pathlib import Path

from mistakes.metrics import Right

Path("metric.log").write_text("imported")


class Writes(Right):
    """Writes its log into the working folder."""
