"""The colours of maps are those of matplotlib."""

import numpy as np
from matplotlib import colormaps

from padimkit.inspection.colours import in_colours, table


def test_the_table_is_that_of_matplotlib():
    assert np.allclose(table(), colormaps["jet"](np.arange(256))[:, :3], rtol=0, atol=1e-14)


def test_pixels_are_mixed_in_equal_parts_with_the_colours_of_matplotlib(random):
    pixels = random.integers(0, 256, (30, 40, 3)).astype(np.uint8)
    values = random.uniform(1.5, 5.5, (30, 40))  # beyond both ends of the scale, too
    mixed = in_colours(pixels, values, low=2.0, high=5.0)
    colours = 255 * colormaps["jet"](np.rint(255 * np.clip((values - 2) / 3, 0, 1)).astype(int))[..., :3]
    assert np.abs(mixed - (pixels / 2.0 + colours / 2)).max() <= 0.75 + 1e-9  # rounded twice
