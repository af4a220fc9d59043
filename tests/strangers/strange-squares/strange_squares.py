"""A map without any smoothing."""

import torch
from torch.nn.functional import interpolate

from padimkit import Mapper, map_of_tiles, prediction_of


class Squares(Mapper):
    """A square for each patch; the highest one is the score of an image."""

    def predict(self, scores, size, axes=None, region=None):
        maps = [map_of_tiles(level.patches, size, axes, squares) for level in scores]
        return prediction_of(scores, torch.stack(maps).mean(0), region, lambda pixels: pixels.amax(1))


def squares(patches, size):
    return interpolate(patches[:, None], size, mode="nearest")[:, 0]
