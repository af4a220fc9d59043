"""Critical-difference diagrams (Demsar 2006, JMLR 7, figure 1).

A kind of plot of its own, with a layout that no other plot shares.
"""

from collections.abc import Mapping

from markupsafe import Markup
from matplotlib.axes import Axes

from padimkit.report.plots.styles import Style
from padimkit.report.plots.svg import INK, draw
from padimkit.report.statistics import Ranking

# Heights in lines of text: of a bar, of a name, of everything above the axis.
_BAR, _NAME, _TOP = 0.6, 1.15, 3.2
_OVERHANG = 0.008  # length of a bar beyond the methods that it joins, in axis lengths


def rank_plot(ranking: Ranking, looks: Mapping[str, Style], name: str, metric: str) -> Markup:
    """Draw methods at their mean ranks, and bars that join those without a significant difference."""
    best = ", ".join(
        f"{method} {rank:.2f}" for method, rank in zip(ranking.names, ranking.mean_ranks, strict=True)
    )
    return draw(
        lambda axes: _paint(axes, ranking, looks),
        name=name,
        title=f"Critical-difference diagram, {metric}",
        description=f"Mean ranks: {best}.",
        hints={
            f"rank{index}": f"{method}: {rank:.2f}"
            for index, (method, rank) in enumerate(zip(ranking.names, ranking.mean_ranks, strict=True))
        },
        size=(4.6, 0.4 + 0.18 * (_TOP - _bottom(ranking))),
    )


def cliques(ranking: Ranking) -> list[tuple[float, float]]:
    """Return the widest ranges of several ranks that are narrower than the critical difference."""
    ranks = ranking.mean_ranks
    ranges: list[tuple[float, float]] = []
    for index, low in enumerate(ranks):
        high = max(rank for rank in ranks[index:] if rank - low < ranking.critical_difference)
        if high > low and (not ranges or high > ranges[-1][1]):
            ranges.append((low, high))
    return ranges


def _paint(axes: Axes, ranking: Ranking, looks: Mapping[str, Style]) -> None:
    count = len(ranking.names)
    for index, (low, high) in enumerate(cliques(ranking)):
        x = low - _OVERHANG * count, high + _OVERHANG * count
        axes.plot(x, (-_BAR * (index + 1),) * 2, color=INK, linewidth=3, solid_capstyle="butt")
    for index, (method, rank) in enumerate(zip(ranking.names, ranking.mean_ranks, strict=True)):
        left = index < (count + 1) // 2  # the better half is named at the left
        level = _first(ranking) - _NAME * (index if left else count - 1 - index)
        end = 1 if left else count
        axes.plot((rank, rank, end), (0, level, level), color=INK, linewidth=0.8)
        axes.plot(rank, 0, **looks[method].point, gid=f"rank{index}", zorder=5)
        side, offset = ("left", 4) if left else ("right", -4)
        axes.annotate(method, (end, level), (offset, 2), textcoords="offset points", ha=side, va="bottom")
    axes.plot((1, 1 + ranking.critical_difference), (1.9, 1.9), color=INK, linewidth=1.5, marker="|")
    axes.text(1, 2.15, f"CD {ranking.critical_difference:.2f}", va="bottom")
    axes.set(xlim=(0.9, count + 0.1), ylim=(_bottom(ranking), _TOP))
    _only_an_axis_of_ranks(axes, count)


def _first(ranking: Ranking) -> float:
    """Return the height of the first name, below all bars."""
    return -_BAR * (len(cliques(ranking)) + 1) - 0.8


def _bottom(ranking: Ranking) -> float:
    return _first(ranking) - _NAME * ((len(ranking.names) - 1) // 2) - 0.3


def _only_an_axis_of_ranks(axes: Axes, count: int) -> None:
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_yticks([])
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.xaxis.set_ticks_position("top")
    axes.spines["top"].set_position(("data", 0))
    axes.set_xticks(range(1, count + 1))
