"""What has to be known about a network before it can be used."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """What a network is called and which images it takes.

    Args:
        name: For messages.
        mean: Of each colour, subtracted from images in [0, 1].
        deviation: Of each colour, by which images are then divided.
        shape: Colours, height and width of an image that it takes; others may do as well.
    """

    name: str
    mean: Sequence[float]
    deviation: Sequence[float]
    shape: tuple[int, int, int]
