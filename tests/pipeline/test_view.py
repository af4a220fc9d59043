"""The view of a fitted pipeline by itself."""

import pytest
import torch

from padimkit.errors import BadShape, CannotMerge
from padimkit.pipeline.view import View

EVERYWHERE = torch.ones(2, 2, dtype=torch.bool)


@pytest.mark.parametrize("views", [(View((2, 2)), View((2, 2), EVERYWHERE))])
def test_a_view_with_a_region_and_one_without_are_not_the_same(views):
    for first, second in (views, views[::-1]):
        with pytest.raises(CannotMerge, match="mark different regions"):
            first.require_same(second)


def test_sizes_and_depths_must_agree_but_a_depth_that_was_not_asked_for_may_be_any():
    View((4, 4)).require_same(View((4, 4), depth=10))
    View((4, 4), depth=10).require_same(View((4, 4)))
    with pytest.raises(CannotMerge, match="of 10 bits, the other from 12"):
        View((4, 4), depth=10).require_same(View((4, 4), depth=12))
    with pytest.raises(BadShape, match="images of \\(4, 4\\) pixels"):
        View((4, 4)).require_same(View((4, 5)))


def test_the_region_moves_to_the_device():
    assert View((2, 2), EVERYWHERE).to(torch.device("meta")).region.is_meta
    assert View((2, 2)).to(torch.device("meta")) == View((2, 2))
