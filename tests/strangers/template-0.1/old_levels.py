"""The levels old_levels, which divide the feature maps of a backbone into embeddings."""

from padimkit import BadArgument, Features, Levels, Pyramid


class OldLevels(Levels):
    """One embedding for the finest layers, aligned to the finest of them, and one for all others.

    Args:
        fine: Number of layers in the first embedding.
    """

    def __init__(self, fine: int = 1) -> None:
        self.fine = fine
        if fine < 1:
            raise BadArgument(f'Expected "fine" of at least 1, got {fine}.')

    def split(self, features: Features) -> dict[str, Pyramid]:
        """Return the embeddings by name; each gets a reducer and a density of its own."""
        maps = tuple(features.maps.values())  # the finest first
        parts = {"fine": maps[: self.fine], "coarse": maps[self.fine :]}
        return {name: Pyramid(some, features.descriptor) for name, some in parts.items() if some}
