"""A data set without files: rings of dots, of which one is missing in anomalous images."""

from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from padimkit import DataSource, Sample

CENTRES = [(24 + 16 * np.cos(angle), 20 + 12 * np.sin(angle)) for angle in np.arange(8) * np.pi / 4]


class Dots(DataSource):
    """Eight white dots on noise, 48 pixels wide and 40 high."""

    def __init__(self, images: int = 12):
        self.images = images

    def train(self):
        return [self.sample("train", number) for number in range(self.images)]

    def test(self):
        good = [self.sample("good", number) for number in range(self.images // 2)]
        return good + [self.sample("missing", number, number % 8) for number in range(self.images // 2)]

    def sample(self, kind, number, missing=None):
        path, bad = Path(kind, f"{number}.png"), missing is not None
        return Sample(path, bad, path if bad else None, partial(draw, missing), partial(draw_mask, missing))


def draw(missing, path):
    noise = np.random.default_rng(list(str(path).encode())).integers(60, 90, (40, 48, 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    for number, (x, y) in enumerate(CENTRES):
        if number != missing:
            ImageDraw.Draw(picture).ellipse((x - 4, y - 4, x + 4, y + 4), fill=(250, 250, 250))
    return picture


def draw_mask(missing, path):
    mask = Image.new("L", (48, 40))
    x, y = CENTRES[missing]
    ImageDraw.Draw(mask).ellipse((x - 4, y - 4, x + 4, y + 4), fill=255)
    return mask
