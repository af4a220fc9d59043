"""Positions in portions, so that what is computed for them stays small."""

WORKSPACE = 2**25  # bytes
CACHE = 2**22  # bytes; what is made of so much is still in a cache when it is needed again


def slices(positions: int, bytes_per_position: int, workspace: int = WORKSPACE) -> list[slice]:
    """Consecutive slices of the positions; each takes `workspace` bytes, or is a single position."""
    step = max(1, workspace // max(1, bytes_per_position))
    return [slice(start, min(start + step, positions)) for start in range(0, positions, step)]
