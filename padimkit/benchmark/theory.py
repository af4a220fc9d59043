"""How time and memory ought to grow, by the number of operations and of stored values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ALL = ("fit", "predict", "score", "peak fit", "model")
_ALIKE = {"density fit": "fit", "fitted": "model", "disk": "model"}
# Exponents by density, by what is varied, in the order of _ALL. PaDiM's moments do not grow with the images
# (once there are more than channels: until then it keeps samples, fewer than moments), its distances take
# d * d products and its factors d * d * d. SPADE keeps everything, and compares all positions with all.
_EXPONENTS: dict[str, dict[str, tuple[tuple[int, int], ...]]] = {
    "gaussian": {
        "train_images": ((1, 1), (0, 0), (0, 0), (0, 0), (0, 0)),
        "resolution": ((2, 2), (2, 2), (2, 2), (2, 2), (2, 2)),
        "keep": ((2, 3), (2, 2), (2, 2), (2, 2), (2, 2)),
    },
    "spade": {
        "train_images": ((1, 1), (0, 0), (0, 0), (1, 1), (1, 1)),
        "resolution": ((2, 2), (2, 4), (4, 4), (2, 2), (2, 2)),
        "gallery_neighbours": ((0, 0), (1, 1), (1, 1), (0, 0), (0, 0)),
    },
}


@dataclass(frozen=True)
class Expectation:
    """An exponent, or two between which it lies."""

    lower: int
    upper: int

    def __str__(self) -> str:
        return f"{self.lower:g}" if self.lower == self.upper else f"{self.lower:g} to {self.upper:g}"


def expected(settings: Mapping[str, Any], varied: str, cost: str) -> Expectation | None:
    """The exponent that theory gives, for large sizes; None where it says nothing.

    Args:
        settings: Of a record.
        varied: What is varied: train_images, resolution, or a key of the pipeline.
        cost: A name in a record's `seconds` or `bytes`.
    """
    density = settings.get("pipeline", {}).get("density", {}).get("class_path")
    rows = _EXPONENTS.get(density, {}).get(varied.rpartition(".")[2])
    stem = cost.split(" ")[0]
    name = stem if stem in ("predict", "score") else _ALIKE.get(cost, cost)
    return Expectation(*rows[_ALL.index(name)]) if rows and name in _ALL else None
