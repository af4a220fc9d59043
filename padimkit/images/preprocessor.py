"""The contract of what changes a picture before it is resized, with the way back.

Apart from the contracts of other plugins, since the preprocessing takes one, which imports none of them.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from PIL import Image

from padimkit.arguments import shown
from padimkit.arguments.checked import Checked
from padimkit.images.resizing import Size


class Preprocessor(ABC):
    """A change of each picture before anything else is done with it: of its geometry, or of its values.

    Points are (x, y) in pixels from the upper left corner of a picture, as in `Geometry`: the centre of the
    first pixel is (0.5, 0.5).
    """

    __repr__ = shown
    checked: ClassVar[Checked] = Checked()
    writes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def size(self, size: Size) -> Size:
        """Return the height and the width that a picture of this height and width gets.

        Raises:
            BadShape: There is no way to change such a picture.
        """

    @abstractmethod
    def image(self, picture: Image.Image) -> Image.Image:
        """Return the changed picture, of mode RGB as it is given; that one stays as it is."""

    @abstractmethod
    def mask(self, picture: Image.Image) -> Image.Image:
        """Return a mask, of one channel, whose pixels lie where those of the changed picture lie.

        Its values are those of the mask, none between them.
        """

    @abstractmethod
    def to_original(self, points: Float[np.ndarray, "*n 2"], size: Size) -> Float[np.ndarray, "*n 2"]:
        """Return points of the changed picture as points of the original of this height and width."""

    @abstractmethod
    def to_changed(self, points: Float[np.ndarray, "*n 2"], size: Size) -> Float[np.ndarray, "*n 2"]:
        """Return points of an original of this height and width as points of the changed picture."""
