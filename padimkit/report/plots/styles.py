"""Looks of the methods in all plots of a page: a colour of the page, a marker, a dash."""

from dataclasses import dataclass
from typing import Any

COLOURS = tuple(f"#5e71e{index}" for index in range(8))  # stand for the page's --series-0 to --series-7
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", ">", "h")
_DASHES = ("solid", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.2, 1.2, 1.2)), (0, (8, 2)))


@dataclass(frozen=True)
class Style:
    """The looks of the method with this index in the page; styles differ without colours, too."""

    index: int

    @property
    def colour(self) -> str:
        return COLOURS[self.index % len(COLOURS)]

    @property
    def marker(self) -> str:
        return _MARKERS[self.index % len(_MARKERS)]

    @property
    def line(self) -> dict[str, Any]:
        """Keyword arguments of `Axes.plot` for a line."""
        return {"color": self.colour, "linestyle": _DASHES[self.index % len(_DASHES)], "linewidth": 1.7}

    @property
    def point(self) -> dict[str, Any]:
        """Keyword arguments of `Axes.plot` for points."""
        return {"color": self.colour, "marker": self.marker, "markersize": 7, "markeredgewidth": 0}


def styles(methods: list[str]) -> dict[str, Style]:
    """Return a style for each method."""
    return {method: Style(index) for index, method in enumerate(methods)}
