"""A preprocessor for cameras that look into a mirror."""

import numpy as np
from PIL import ImageOps

from padimkit import Preprocessor


class Mirror(Preprocessor):
    """Left and right are exchanged."""

    def size(self, size):
        return size

    def image(self, picture):
        return ImageOps.mirror(picture)

    def mask(self, picture):
        return ImageOps.mirror(picture)

    def to_original(self, points, size):
        return points * np.array([-1, 1]) + np.array([size[1], 0])

    def to_changed(self, points, size):
        return self.to_original(points, size)
