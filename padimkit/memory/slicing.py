"""Slices of positions that are worked on at a time.

They stand apart from memory that is kept, and all mathematics over positions uses them.
"""

WORKSPACE = 2**25  # bytes
CACHE = 2**22  # bytes; results of this size are still in a cache when they are needed again


def slices(positions: int, bytes_per_position: int, workspace: int = WORKSPACE) -> list[slice]:
    """Return consecutive slices of the positions; each takes `workspace` bytes, or is a single position."""
    step = max(1, workspace // max(1, bytes_per_position))
    return [slice(start, min(start + step, positions)) for start in range(0, positions, step)]
