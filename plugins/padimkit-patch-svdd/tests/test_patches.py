"""The drawing of patches beside what the authors' program may draw."""

import itertools

import pytest
import torch

from padimkit_patch_svdd.patches import DIRECTIONS, close_pairs, cut, disturbed, neighbour_pairs

# Number of a direction as in the authors' program: rows from above, columns from the left.
NUMBERED = {0: (-1, -1), 1: (-1, 0), 2: (-1, 1), 3: (0, -1), 4: (0, 1), 5: (1, -1), 6: (1, 0), 7: (1, 1)}


def test_directions_are_numbered_as_in_the_authors_program():
    assert dict(enumerate(DIRECTIONS)) == NUMBERED


def test_neighbours_lie_three_quarters_of_a_patch_to_a_whole_one_away_and_stay_within(generator):
    size, patch = (90, 120), 16
    first, second, direction = neighbour_pairs(4000, size=size, patch=patch, generator=generator)
    distances = set()
    for start, end, number in zip(first.tolist(), second.tolist(), direction.tolist(), strict=True):
        for axis, (a, b) in enumerate(zip(start, end, strict=True)):
            last, sign = size[axis] - patch, NUMBERED[number][axis]
            assert 0 <= a <= last and 0 <= b <= last
            if sign == 0:
                assert a == b
            elif b not in (0, last):  # not moved back into the image
                distances.add(sign * (b - a))
            else:
                assert 0 <= sign * (b - a) <= 15
    assert distances == {12, 13, 14, 15}
    assert (torch.bincount(direction, minlength=8) - 500).abs().max() < 100
    assert first.amin(0).tolist() == [0, 0] and first.amax(0).tolist() == [74, 104]


@pytest.mark.parametrize(("patch", "reach"), [(64, 2), (32, 1), (8, 1)])
def test_close_patches_lie_at_most_a_32nd_apart_and_never_in_one_place_within(generator, patch, reach):
    first, second = close_pairs(3000, size=(200, 150), patch=patch, generator=generator)
    inner = ((first > reach) & (first < torch.tensor([200, 150]) - patch - reach)).all(1)
    steps = {tuple(step) for step in (second - first)[inner].tolist()}
    expected = set(itertools.product(range(-reach, reach + 1), repeat=2)) - {(0, 0)}
    assert steps == expected
    assert (second >= 0).all() and (second <= torch.tensor([200, 150]) - patch).all()


def test_patches_are_cut_from_their_images_at_their_places():
    images = list(torch.arange(2 * 3 * 9 * 10.0).reshape(2, 3, 9, 10))
    found = cut(images, [1, 0], torch.tensor([[2, 5], [0, 1]]), 4)
    assert torch.equal(found, torch.stack([images[1][:, 2:6, 5:9], images[0][:, 0:4, 1:5]]))


def test_disturbances_have_a_shift_for_each_colour_and_noise_for_each_pixel(generator):
    change = disturbed(torch.zeros(400, 3, 20, 20), generator)
    shifts = change.mean((2, 3))
    assert shifts.std() == pytest.approx(0.02, rel=0.1)
    assert (change - shifts[:, :, None, None]).std() == pytest.approx(0.02, rel=0.02)
    assert torch.corrcoef(shifts.T)[0, 1].abs() < 0.2  # colours shift on their own
