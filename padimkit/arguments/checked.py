"""What a class says to the contract checks.

Apart from the values that parts exchange, which take torch: what places images does without.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Checked:
    """What the contract checks are to know of a class, as its class attribute `checked`.

    Args:
        arguments: The arguments with which `padimkit plugins check` makes the part, beside those given there.
        images: How many made-up images it learns from, or a metric is given.
        size: Height and width of the made-up data: of a backbone's pictures and of a metric's maps in pixels,
            of embeddings in positions.
        folder: The argument that names a folder to write into: `padimkit plugins check` gives one that it
            removes at the end.
        excused: The reason why a check does not concern the class, by the name of the check.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    images: int | None = None
    size: tuple[int, int] | None = None
    folder: str | None = None
    excused: Mapping[str, str] = field(default_factory=dict)
