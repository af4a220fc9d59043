"""Moments of layers at their own resolutions, beside those of repeated layers in numpy."""

import numpy as np
import pytest
import torch

from padimkit.moments.moments import Moments
from padimkit.moments.nested import are_nested, nested_moments


def repeated(maps):
    """The patches of all maps at the finest resolution: n positions x channels, in float64."""
    rows, columns = maps[0].shape[2:]
    at_finest = [
        one.double().numpy().repeat(rows // one.shape[2], 2).repeat(columns // one.shape[3], 3)
        for one in maps
    ]
    return np.concatenate(at_finest, 1).transpose(0, 2, 3, 1).reshape(-1, sum(one.shape[1] for one in maps))


@pytest.mark.parametrize(
    "sizes",
    [
        [(3, 8, 12), (4, 4, 6), (2, 2, 3)],
        [(3, 6, 9), (1, 3, 3), (5, 1, 3)],  # rows and columns shrink differently
        [(2, 4, 5), (3, 4, 5)],  # of one resolution
        [(4, 3, 7)],
        [(1, 8, 8), (2, 1, 1)],
    ],
)
@pytest.mark.parametrize("mean", [0.0, 1e4])
def test_they_are_those_of_the_repeated_patches(generator, sizes, mean):
    batches = [
        [torch.randn(count, *size, generator=generator) + mean for size in sizes] for count in (1, 4, 2)
    ]
    found = Moments.empty(1, sum(size[0] for size in sizes), dtype=torch.float64, device=torch.device("cpu"))
    for maps in batches:
        assert are_nested(maps)
        found.merge(nested_moments(maps))
    patches = np.concatenate([repeated(maps) for maps in batches])
    assert found.count == len(patches)
    np.testing.assert_allclose(found.mean[0], patches.mean(0), rtol=1e-12, atol=1e-12)
    expected = np.cov(patches.T, ddof=0).reshape(patches.shape[1], -1) * len(patches)
    np.testing.assert_allclose(found.scatter[0], expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


def test_the_order_of_values_in_memory_does_not_matter(generator):
    maps = [torch.randn(2, 3, 4, 6, generator=generator), torch.randn(2, 2, 2, 3, generator=generator)]
    found = nested_moments([one.to(memory_format=torch.channels_last) for one in maps])
    torch.testing.assert_close(found.scatter, nested_moments(maps).scatter, rtol=1e-12, atol=1e-12)


def test_maps_stay_as_they_are(generator):
    maps = [torch.randn(2, 3, 4, 6, generator=generator).double(), torch.ones(2, 2, 2, 3).double()]
    for given in (maps, [one.to(memory_format=torch.channels_last) for one in maps]):
        before = [one.clone() for one in given]
        nested_moments(given)
        assert all(map(torch.equal, given, before))


@pytest.mark.parametrize(
    "sizes", [[(8, 8), (3, 4)], [(8, 8), (4, 3)], [(8, 8), (4, 4), (3, 1)], [(2, 2), (4, 4)]]
)
def test_grids_that_do_not_fit_into_each_other_are_told(sizes):
    assert not are_nested([torch.zeros(1, 2, *size) for size in sizes])
