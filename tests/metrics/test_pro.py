from itertools import pairwise

import numpy as np
import pytest
import torch
from metric_inputs import computed, of_pixels, pieces, tied_maps

from padimkit.errors import BadArgument, BadScores, UndefinedMetric
from padimkit.metrics import _overlap
from padimkit.metrics.auroc import PixelAUROC
from padimkit.metrics.pro import PRO

LIMITS = [0.001, 0.05, 0.3, 1.0]
SQUARE = np.zeros((2, 10, 10), bool)
SQUARE[1, 2:6, 2:6] = True


def reference(maps: np.ndarray, masks: np.ndarray, max_fpr: float) -> float:
    """The definition: mean overlap and false positive rate at every threshold, then trapezoids."""
    maps = maps.astype(np.float64)
    found = [(i, region) for i, mask in enumerate(masks) for region in flooded(mask)]
    curve = [(0.0, 0.0)]
    for threshold in sorted(set(maps.ravel()), reverse=True):
        overlaps = [np.mean([maps[i][pixel] >= threshold for pixel in region]) for i, region in found]
        curve.append((float(np.mean(maps[~masks] >= threshold)), float(np.mean(overlaps))))
    area = 0.0
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x0 < max_fpr < x1:
            x1, y1 = max_fpr, y0 + (y1 - y0) * (max_fpr - x0) / (x1 - x0)
        if x1 <= max_fpr:
            area += (x1 - x0) * (y0 + y1) / 2
    return area / max_fpr


def flooded(mask: np.ndarray) -> list[list[tuple[int, int]]]:
    """Pixels of each region, found by walking to the eight neighbours."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    found = []
    while left:
        region, edge = [], [left.pop()]
        while edge:
            y, x = edge.pop()
            region.append((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            edge.extend(near)
        found.append(region)
    return found


@pytest.mark.parametrize("max_fpr", LIMITS)
def test_pro_equals_its_definition_without_ties(random, max_fpr):
    _, masks = tied_maps(random)
    maps = (random.normal(40, 10, masks.shape) + 8 * masks).astype(np.float32)
    expected = reference(maps, masks, max_fpr)
    assert computed(PRO(max_fpr), of_pixels(maps, masks)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("max_fpr", LIMITS)
def test_pro_equals_its_definition_with_heavy_ties(random, max_fpr):
    maps, masks = tied_maps(random)
    expected = reference(maps, masks, max_fpr)
    assert computed(PRO(max_fpr), of_pixels(maps, masks)) == pytest.approx(expected, abs=1e-9)


def test_a_limit_on_a_point_of_the_curve_equals_the_definition(random):
    maps, masks = tied_maps(random)
    normal = maps[~masks]
    max_fpr = float(np.mean(normal >= random.choice(normal)))
    expected = reference(maps, masks, max_fpr)
    assert computed(PRO(max_fpr), of_pixels(maps, masks)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("max_fpr", [0.3, 1.0])
def test_the_curve_is_its_definition_at_equal_steps(random, max_fpr):
    maps, masks = tied_maps(random)
    metric = PRO(max_fpr)
    area = computed(metric, of_pixels(maps, masks))
    false, overlaps = metric.curve(points=500)
    points, normal = counted(maps, masks), np.sum(~masks)
    steps = np.linspace(0, max_fpr, 500) * normal
    expected = np.array([max(point for point in points if point[0] <= step) for step in steps])
    np.testing.assert_allclose(np.stack([false * normal, overlaps], 1), expected, atol=1e-9)
    if max_fpr == 1.0:
        assert np.trapezoid(overlaps, false) == pytest.approx(area, abs=0.02)


def counted(maps: np.ndarray, masks: np.ndarray) -> list[tuple[int, float]]:
    """Normal pixels that each threshold finds, and the mean overlap of regions; none at the highest one."""
    found = [(i, region) for i, mask in enumerate(masks) for region in flooded(mask)]
    points = [(0, 0.0)]
    for threshold in set(maps.ravel().tolist()):
        overlaps = [np.mean([maps[i][pixel] >= threshold for pixel in region]) for i, region in found]
        points.append((int(np.sum(maps[~masks] >= threshold)), float(np.mean(overlaps))))
    return points


def test_a_curve_whose_first_step_is_past_its_limit_stays_at_its_start():
    maps = np.zeros(SQUARE.shape, np.float32)
    maps[:, ::2] = 1  # two tied levels: half of the normal pixels are found at once
    metric = PRO(max_fpr=0.3)
    metric.update(*of_pixels(maps, SQUARE))
    assert [set(axis.tolist()) for axis in metric.curve(points=500)] == [{0.0}, {0.0}]


def test_more_region_pixels_than_one_chunk_give_the_same(random, monkeypatch):
    maps, masks = tied_maps(random)
    monkeypatch.setattr(_overlap, "_CHUNK", 5)
    assert computed(PRO(), of_pixels(maps, masks)) == pytest.approx(reference(maps, masks, 0.3), abs=1e-9)


def test_with_one_region_and_no_limit_pro_is_pixel_auroc(random):
    maps = random.integers(0, 9, SQUARE.shape).astype(np.float32)
    pair = of_pixels(maps, SQUARE)
    assert computed(PRO(max_fpr=1.0), pair) == pytest.approx(computed(PixelAUROC(), pair), abs=1e-12)


@pytest.mark.parametrize("max_fpr", LIMITS)
def test_simple_predictions_get_their_known_value(max_fpr):
    maps = SQUARE.astype(np.float32)
    assert computed(PRO(max_fpr), of_pixels(maps, SQUARE)) == pytest.approx(1.0, abs=1e-12)
    assert computed(PRO(max_fpr), of_pixels(-maps, SQUARE)) == 0.0
    assert computed(PRO(max_fpr), of_pixels(0 * maps, SQUARE)) == pytest.approx(max_fpr / 2, abs=1e-12)


def test_a_small_region_weighs_as_much_as_a_large_one():
    masks = SQUARE.copy()
    masks[0, 0, 0] = True
    maps = SQUARE.astype(np.float32)
    maps[0, 0, 0] = -1
    assert computed(PRO(), of_pixels(maps, masks)) == pytest.approx(0.5, abs=1e-12)


def test_pixels_that_touch_at_a_corner_are_one_region():
    masks = np.zeros((1, 4, 4), bool)
    masks[0, [0, 1, 3], [0, 1, 3]] = True
    maps = np.zeros((1, 4, 4), np.float32)
    maps[0, [0, 3], [0, 3]] = 1
    maps[0, 1, 1] = -1
    # Half of the region of two pixels and all of the other: 0.75, not the 0.67 of three regions.
    assert computed(PRO(), of_pixels(maps, masks)) == pytest.approx(0.75, abs=1e-12)


def test_normal_images_count_for_the_false_positive_rate():
    maps = SQUARE + np.zeros(SQUARE.shape, np.float32)
    maps[0] = 2
    assert computed(PRO(), of_pixels(maps[1:], SQUARE[1:])) == pytest.approx(1.0, abs=1e-12)
    assert computed(PRO(), of_pixels(maps, SQUARE)) == 0.0


@pytest.mark.parametrize("size", [1, 3])
def test_batches_in_any_order_equal_one_batch(random, size):
    maps, masks = tied_maps(random)
    pair = of_pixels(maps, masks)
    metric = PRO()
    for piece in reversed(list(pieces(pair, size))):
        metric.update(*piece)
    assert metric.compute() == pytest.approx(computed(PRO(), pair), abs=1e-12)


def test_compute_can_be_repeated(random):
    metric = PRO()
    assert computed(metric, of_pixels(*tied_maps(random))) == metric.compute()


def test_reset_forgets_everything():
    maps = SQUARE.astype(np.float32)
    metric = PRO()
    metric.update(*of_pixels(-maps, SQUARE))
    metric.reset()
    assert computed(metric, of_pixels(maps, SQUARE)) == pytest.approx(1.0, abs=1e-12)


def test_inputs_are_copied_and_not_modified(random):
    prediction, truth = of_pixels(*tied_maps(random))
    maps, masks = prediction.anomaly_maps.clone(), truth.masks.clone()
    metric = PRO()
    before = computed(metric, (prediction, truth))
    assert torch.equal(prediction.anomaly_maps, maps)
    assert torch.equal(truth.masks, masks)
    prediction.anomaly_maps.fill_(0)
    truth.masks.fill_(False)
    assert metric.compute() == before


@pytest.mark.parametrize("max_fpr", [0.0, -0.1, 1.01, float("nan")])
def test_a_limit_that_is_no_rate_is_refused(max_fpr):
    with pytest.raises(BadArgument, match='Expected "max_fpr" above 0 and up to 1, got'):
        PRO(max_fpr=max_fpr)


@pytest.mark.parametrize(("mask", "absent"), [(False, "anomalous"), (True, "normal")])
def test_test_sets_without_regions_or_without_normal_pixels_are_refused(mask, absent):
    pair = of_pixels(np.zeros((12, 2, 2), np.float32), np.full((12, 2, 2), mask))
    with pytest.raises(UndefinedMetric, match=f"pro needs .* found 0 {absent} pixels in 12 images"):
        computed(PRO(), pair)


def test_a_data_set_without_masks_is_refused():
    with pytest.raises(UndefinedMetric, match="pro needs masks, but the data set has no masks"):
        computed(PRO(), of_pixels(np.zeros((2, 2, 2), np.float32), None))


def test_nan_is_refused_with_its_path():
    maps = SQUARE.astype(np.float32)
    maps[1, 0, 0] = np.nan
    with pytest.raises(BadScores, match=r'"1\.png" hold NaN'):
        PRO().update(*of_pixels(maps, SQUARE))
