"""The colours of maps are those of matplotlib."""

import numpy as np
from matplotlib import colormaps

from padimkit.inspection.colours import coloured, table


def test_the_table_is_that_of_matplotlib():
    assert np.allclose(table(), colormaps["jet"](np.arange(256))[:, :3], rtol=0, atol=1e-14)


def test_shares_get_the_colours_of_matplotlib(random):
    shares = random.random((30, 40))
    shares[0, :4] = 0, 1, 1 / 256, np.nextafter(1, 0)
    assert np.allclose(coloured(shares), colormaps["jet"](shares)[..., :3], rtol=0, atol=1e-14)
