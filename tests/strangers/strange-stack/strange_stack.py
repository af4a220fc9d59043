"""Levels: an embedding of each layer, named by its place."""

from padimkit import Levels, Pyramid


class Stack(Levels):
    """One embedding for each layer, without the last ones.

    Args:
        leave: Number of layers that are left out, while there are others.
    """

    def __init__(self, leave: int = 0):
        self.leave = leave

    def split(self, features):
        maps = list(features.maps.values())
        kept = maps[: max(1, len(maps) - self.leave)]
        return {f"place {n}": Pyramid((one,), features.descriptor) for n, one in enumerate(kept)}
