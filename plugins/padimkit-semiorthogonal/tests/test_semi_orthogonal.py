"""The contract, and the mathematics against NumPy."""

import zlib

import numpy as np
import pytest
import torch

import padimkit
from padimkit import BadArgument, BadData, Embedding, NotFitted, Pyramid, Reducer
from padimkit.testing.pytest import contract_checks
from padimkit_semiorthogonal import SemiOrthogonal


@contract_checks(Reducer)
def test_contract(check):
    check(lambda: SemiOrthogonal(keep=3))


@pytest.fixture
def seed(request):
    """The test's own, the same in each run."""
    return zlib.crc32(request.node.nodeid.encode())


@pytest.fixture
def generator(seed):
    return torch.Generator().manual_seed(seed)


def fitted(patches, **arguments):
    reducer = SemiOrthogonal(**arguments)
    reducer.fit([Embedding(patches)])
    return reducer


def test_patches_are_projected_onto_orthonormal_directions(generator):
    patches = torch.randn(2, 12, 3, 4, generator=generator)
    reducer = fitted(patches, keep=5, seed=int(torch.randint(1000, (), generator=generator)))
    directions = reducer.state_dict()["directions"].double().numpy()
    np.testing.assert_allclose(directions @ directions.T, np.eye(5), atol=1e-6)
    expected = np.einsum("kc,bchw->bkhw", directions, patches.double().numpy())
    np.testing.assert_allclose(reducer.transform(Embedding(patches)).patches, expected, atol=1e-5)


def test_all_directions_keep_all_distances(generator):
    patches = torch.randn(2, 9, 3, 4, generator=generator)
    after = fitted(patches, keep=9).transform(Embedding(patches)).patches
    torch.testing.assert_close((after[0] - after[1]).norm(dim=0), (patches[0] - patches[1]).norm(dim=0))


def test_no_direction_is_preferred():
    """The mean over many draws of each component is 0, and of its square 1 / channels."""
    draws = torch.stack(
        [fitted(torch.zeros(1, 4, 1, 1), keep=2, seed=s).state_dict()["directions"] for s in range(2000)]
    )
    torch.testing.assert_close(draws.mean(0), torch.zeros(2, 4), atol=0.06, rtol=0)
    torch.testing.assert_close(draws.square().mean(0), torch.full((2, 4), 0.25), atol=0.03, rtol=0)


def test_layers_can_be_reduced_apart(generator):
    maps = tuple(torch.randn(2, c, 8 // s, 8 // s, generator=generator) for c, s in ((3, 1), (4, 2), (5, 4)))
    pyramid = Pyramid(maps)
    whole = pyramid.embedding()
    reducer = fitted(whole.patches, keep=6)
    apart = reducer.transform_then_align(maps, pyramid.align)
    torch.testing.assert_close(apart, reducer.transform(whole).patches, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("keep", [0, 13])
def test_a_number_out_of_range_is_refused(keep):
    with pytest.raises(BadArgument, match=f'"keep" from 1 to the 12 channels .*, got {keep}'):
        fitted(torch.zeros(1, 12, 2, 2), keep=keep)


def test_an_empty_stream_and_use_before_fit_are_refused():
    with pytest.raises(BadData, match="no embeddings"):
        SemiOrthogonal(keep=2).fit([])
    with pytest.raises(NotFitted, match="before fit"):
        SemiOrthogonal(keep=2).transform(Embedding(torch.zeros(1, 3, 2, 2)))


@pytest.mark.parametrize(
    "name",
    [f"semi-orthogonal-{name}" for name in ("lite0-100", "r18-100", "wr50-100", "wr50-300")],
)
def test_its_recipes_are_found_by_name(name):
    reducer = padimkit.load_recipe(name).reducer
    assert isinstance(reducer, SemiOrthogonal) and reducer.keep == int(name.rpartition("-")[2])
