"""Regions of drawn maps, whose places are known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from padimkit import BadScores, Preprocessing
from padimkit.inspection import regions


def drawn(*boxes, size=(40, 50), value=10.0):
    """A map of 1 with a higher rectangle for each box of left, top, right and bottom."""
    made = np.ones(size, dtype=np.float32)
    for left, top, right, bottom in boxes:
        made[top:bottom, left:right] = value
    return made


def regions_of(values, geometry, threshold):
    return regions.regions_of(values, geometry, threshold, float(np.median(values)))


def same(size=(40, 50)):
    """The geometry of images that are not changed."""
    return Preprocessing(None, None).geometry(size)


def enclosed(contour):
    """The area of a polygon, by sums over its edges."""
    edges = zip(contour, [*contour[1:], contour[0]], strict=True)
    return abs(sum(x * b - a * y for (x, y), (a, b) in edges)) / 2


def test_a_region_has_the_place_of_what_is_drawn():
    (found,) = regions_of(drawn((4, 3, 19, 13)), same(), 5.0)
    assert found.box == (4.0, 3.0, 19.0, 13.0)
    assert found.area == 150.0
    assert found.peak == 10.0
    assert found.centre == (11.5, 8.0)
    assert enclosed(found.contour) == pytest.approx(150, rel=0.2)
    assert all(3 < x < 20 and 2 < y < 14 for x, y in found.contour)


def test_a_map_below_the_threshold_has_no_regions():
    assert regions_of(drawn((4, 3, 19, 13)), same(), 10.0) == ()


def test_places_are_those_of_the_original_image():
    geometry = Preprocessing((80, 100), (40, 50)).geometry(
        (160, 400)
    )  # halved in y, a quarter in x, then cropped
    (found,) = regions_of(drawn((4, 3, 19, 13)), geometry, 5.0)
    assert found.box == (4 * (25 + 4), 2 * (20 + 3), 4 * (25 + 19), 2 * (20 + 13))
    assert found.area == 150 * 8
    assert found.centre == (4 * (25 + 11.5), 2 * (20 + 8))


def test_regions_are_sorted_by_their_peaks():
    values = drawn((2, 2, 6, 6), (30, 20, 40, 30)) + drawn((30, 20, 40, 30), value=2.0)
    peaks = [region.peak for region in regions_of(values, same(), 5.0)]
    assert peaks == sorted(peaks, reverse=True) and len(peaks) == 2


@pytest.mark.parametrize("threshold", [1.5, 4.0, 8.0])
def test_the_width_of_the_smoothing_is_undone_whatever_the_threshold(threshold):
    square = drawn((15, 10, 35, 30), value=40.0)
    smooth = gaussian_filter(square, 4.0)
    (found,) = regions_of(smooth, same(), threshold)
    assert found.box == pytest.approx((15, 10, 35, 30), abs=2.5)
    assert found.area == pytest.approx(400, rel=0.35)
    if threshold == 1.5:
        assert (smooth > threshold).sum() > 2 * 400


def test_a_lower_region_is_found_beside_a_higher_one():
    values = drawn((2, 2, 8, 8), value=100.0) + drawn((30, 20, 40, 30), value=5.0)
    first, second = regions_of(values, same(), 3.0)
    assert first.box == (2.0, 2.0, 8.0, 8.0)
    assert second.box == (30.0, 20.0, 40.0, 30.0)


def test_what_is_connected_below_the_threshold_is_one_region():
    values = drawn((2, 2, 8, 8), (20, 2, 26, 8)) + drawn((8, 2, 20, 8), value=5.0) - 1
    (found,) = regions_of(values, same(), 8.0)
    assert found.box == (2.0, 2.0, 26.0, 8.0)


def test_diagonal_neighbours_are_connected():
    assert len(regions_of(drawn((2, 2, 4, 4), (4, 4, 6, 6)), same(), 5.0)) == 1


@pytest.mark.parametrize(
    "box", [(0, 0, 50, 40), (0, 0, 10, 10), (45, 0, 50, 40), (0, 0, 1, 1), (49, 39, 50, 40)]
)
def test_a_region_at_the_edge_has_a_closed_contour_within_the_image(box):
    values = drawn(box)
    (found,) = regions_of(values, same(), 0.5 if box == (0, 0, 50, 40) else 5.0)
    assert found.box == tuple(map(float, box))
    assert len(found.contour) >= 3 and found.contour[0] != found.contour[-1]
    assert all(0 <= x <= 50 and 0 <= y <= 40 for x, y in found.contour)


def test_of_a_constant_map_all_is_one_region():
    (found,) = regions_of(np.full((40, 50), 3.0, dtype=np.float32), same(), 2.0)
    assert found.box == (0.0, 0.0, 50.0, 40.0) and found.area == 2000.0
    assert enclosed(found.contour) == pytest.approx(2000, rel=0.01)


def test_a_padding_is_left_out():
    geometry = Preprocessing((40, 30), None, (40, 50)).geometry((40, 30))
    (found,) = regions_of(drawn((5, 10, 20, 20)), geometry, 5.0)
    assert found.box == (0.0, 10.0, 10.0, 20.0)
    assert regions_of(drawn((0, 0, 9, 9)), geometry, 5.0) == ()
    assert regions_of(np.full((40, 50), 3.0), geometry, 2.0)[0].area == 1200.0


def test_a_hole_does_not_change_the_outline():
    values = drawn((10, 10, 30, 30))
    values[15:25, 15:25] = 1.0
    (found,) = regions_of(values, same(), 5.0)
    assert found.area == 300.0
    assert enclosed(found.contour) == pytest.approx(400, rel=0.2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_map_that_is_not_finite_is_refused(value):
    values = drawn((4, 3, 19, 13))
    values[0, 0] = value
    with pytest.raises(BadScores, match="NaN or infinity"):
        regions_of(values, same(), 5.0)


def test_a_padding_of_a_region_of_interest_is_left_out():
    geometry = Preprocessing(None, None, (40, 50), roi=(20, 10, 50, 50)).geometry((60, 80))
    (found,) = regions_of(drawn((5, 10, 20, 20)), geometry, 5.0)
    assert found.box == (20.0, 20.0, 30.0, 30.0)
    assert regions_of(drawn((0, 0, 9, 9)), geometry, 5.0) == ()


def test_the_contour_is_the_one_around_all_of_the_region():
    values = drawn((10, 10, 30, 30))
    values[12:28, 12:28:2] = values[12, 12:28] = 1.0  # teeth, whose outline has more points
    (found,) = regions_of(values, same(), 5.0)
    assert enclosed(found.contour) == pytest.approx(400, rel=0.2)


def test_a_raised_map_has_regions_below_its_background_too(random):
    values = random.uniform(5.0, 5.2, (64, 64)).astype(np.float32)
    values[:20] = 1.0
    values[5:9, 5:9] = 4.0
    whole, spot = regions_of(values, same((64, 64)), 3.0)
    assert spot.box == (5.0, 5.0, 9.0, 9.0) and spot.peak == 4.0
    assert whole.peak > 5


def test_a_region_is_where_the_model_looks_even_if_all_that_it_sees_is_below_the_zeros_elsewhere():
    values, looked = drawn((4, 3, 19, 13)) - 20, np.zeros((40, 50), bool)
    looked[:, :25] = True
    (found,) = regions.regions_of(np.where(looked, values, 0), same(), -15.0, -20.0, looked)
    assert found.box == (4, 3, 19, 13)
