"""Pareto fronts."""

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """For each (cost, quality): whether no other point costs no more and is no worse, and differs.

    >>> front([(1.0, 0.8), (2.0, 0.9), (3.0, 0.85), (1.0, 0.7)])
    [True, True, False, False]
    """
    return [
        not any(
            cost <= own_cost and quality >= own_quality and (cost, quality) != (own_cost, own_quality)
            for cost, quality in points
        )
        for own_cost, own_quality in points
    ]
