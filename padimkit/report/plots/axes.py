"""Axes that span orders of magnitude: times, sizes, and quantities that a study varies."""

from collections.abc import Sequence
from typing import Literal

from matplotlib.axis import Axis
from matplotlib.ticker import (
    EngFormatter,
    FixedLocator,
    FuncFormatter,
    LogLocator,
    NullFormatter,
    NullLocator,
)

_WIDE = 6.0  # highest by lowest value from which on a linear axis squeezes the lower half


def cost_axis(axis: Axis, values: Sequence[float], unit: str) -> None:
    """Label an axis in seconds or bytes; logarithmic if the values are far apart."""
    if min(values) > 0 and max(values) / min(values) >= _WIDE:
        logarithmic_axis(axis, values, unit)
    else:
        axis.set_major_formatter(EngFormatter(unit, sep=" "))
        axis.axes.locator_params(axis=_name(axis), nbins=5)


def logarithmic_axis(axis: Axis, values: Sequence[float], unit: str) -> None:
    """Label a logarithmic axis that spans at least a factor of four, so that constant values look flat."""
    low, high = min(values) / 1.3, max(values) * 1.3
    widen = max(1.0, (4 * low / high) ** 0.5)
    limits = (low / widen, high * widen)
    axis.axes.set(**{f"{_name(axis)}scale": "log", f"{_name(axis)}lim": limits})
    steps = (1.0, 2.0, 5.0) if high / low < 200 else (1.0,)
    axis.set_major_locator(LogLocator(subs=steps, numticks=12))
    axis.set_major_formatter(EngFormatter(unit, sep=" "))
    axis.set_minor_formatter(NullFormatter())


def size_axis(axis: Axis, sizes: Sequence[float]) -> None:
    """Label a logarithmic axis with a tick at each measured size."""
    logarithmic_axis(axis, sizes, "")
    axis.set_major_locator(FixedLocator(_apart(sorted(set(sizes)))))
    axis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:g}"))
    axis.set_minor_locator(NullLocator())


def _name(axis: Axis) -> Literal["x", "y"]:
    return "x" if axis is axis.axes.xaxis else "y"


def _apart(sizes: list[float]) -> list[float]:
    """Return the sizes whose ticks do not touch: the highest, and others at a distance."""
    span = (sizes[-1] / sizes[0]) ** 0.12
    kept = [sizes[-1]]
    for size in reversed(sizes[:-1]):
        if size * span <= kept[-1]:
            kept.append(size)
    return kept[::-1]
