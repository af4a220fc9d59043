"""The preprocessor old_preprocessor, which changes each picture before anything else is done with it."""

import numpy as np
from padimkit import BadArgument, BadShape, Preprocessor
from PIL import Image


class OldPreprocessor(Preprocessor):
    """Pictures without their border.

    Args:
        border: Pixels that are cut off on each side.
    """

    def __init__(self, border: int = 8) -> None:
        self.border = border
        if border < 0:
            raise BadArgument(f'Expected "border" of at least 0, got {border}.')

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the height and the width that a picture of this height and width gets."""
        height, width = (side - 2 * self.border for side in size)
        if min(height, width) < 1:
            raise BadShape(f"A picture of {size[0]} x {size[1]} pixels is all border.")
        return height, width

    def image(self, picture: Image.Image) -> Image.Image:
        """Return the changed picture."""
        return self._cut(picture)

    def mask(self, picture: Image.Image) -> Image.Image:
        """Return a mask changed alike; where pixels are resampled, take the nearest, so that values stay."""
        return self._cut(picture)

    def to_original(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Return points (x, y) of the changed picture as points of the original of this height and width."""
        return points + self.border

    def to_changed(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Return points of an original of this height and width as points of the changed picture."""
        return points - self.border

    def _cut(self, picture: Image.Image) -> Image.Image:
        height, width = self.size((picture.height, picture.width))
        return picture.crop((self.border, self.border, self.border + width, self.border + height))
