"""The tiles that a large image is cut into, and where they lie."""

from dataclasses import dataclass

from padimkit.images.resizing import Size, square


@dataclass(frozen=True)
class Tiles:
    """Overlapping tiles, which the backbone sees one by one in place of an image that is too large for it.

    Args:
        size: Side of each tile or [height, width], in pixels of the image after resize, padding and crop.
        overlap: Pixels that neighbours have in common; the last tile of a row or column is moved back to end
            where the image ends, and so has more.
    """

    size: int | Size
    overlap: int = 0

    def along(self, size: Size) -> tuple["Axis", "Axis"]:
        """Return the places of the tiles along the height and along the width of an image."""
        vertical, horizontal = (
            Axis.covered(length, side, self.overlap)
            for length, side in zip(size, square(self.size), strict=True)
        )
        return vertical, horizontal


@dataclass(frozen=True)
class Axis:
    """The places of tiles along one side of an image.

    Args:
        length: Pixels of the image.
        side: Pixels of each tile.
        starts: The first pixel of each tile.
    """

    length: int
    side: int
    starts: tuple[int, ...]

    @classmethod
    def whole(cls, length: int) -> "Axis":
        """Return the axis of an image that is its only tile."""
        return cls(length, length, (0,))

    @classmethod
    def covered(cls, length: int, side: int, overlap: int) -> "Axis":
        """Return the fewest tiles that cover the length, all but the last at equal distances."""
        step = side - overlap
        count = 1 + -(-max(0, length - side) // step)
        return cls(length, side, tuple(min(number * step, length - side) for number in range(count)))
