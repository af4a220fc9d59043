"""A backbone without weights: edges in four directions, on grids of two sizes."""

import torch.nn.functional as F

from padimkit import Backbone, Features


class Edges(Backbone):
    """How much brighter pixels are than their neighbours, averaged over squares."""

    def __init__(self, side: int = 8):
        self.side = side

    def extract(self, images):
        grey = F.pad(images.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
        pixels = images.new_zeros(len(images), 4, *images.shape[2:])
        height, width = images.shape[2:]
        for number, (down, right) in enumerate(((0, 1), (2, 1), (1, 0), (1, 2))):
            neighbour = grey[:, 0, down : down + height, right : right + width]
            pixels[:, number] = (grey[:, 0, 1:-1, 1:-1] - neighbour).clamp(min=0)
        fine = F.avg_pool2d(pixels, self.side, ceil_mode=True)
        return Features({"fine": fine, "coarse": F.avg_pool2d(fine, 2, ceil_mode=True)})

    def to(self, device):
        pass
