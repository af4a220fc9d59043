from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from metric_inputs import Pair, computed, of_pixels, tied_maps

from padimkit.errors import BadArgument, BadShape, UndefinedMetric
from padimkit.metrics.pro import PRO
from padimkit.metrics.spro import SPRO
from padimkit.values import Batch, Defect

LIMITS = [0.05, 0.3, 1.0]


def reference(maps: np.ndarray, masks: np.ndarray, defects: list[list[Defect]], max_fpr: float) -> float:
    """The definition: mean saturated overlap and false positive rate at every threshold, then trapezoids."""
    every = [(index, one) for index, some in enumerate(defects) for one in some]
    curve = [(0.0, 0.0)]
    for threshold in sorted(set(maps.ravel().tolist()), reverse=True):
        overlaps = [
            min(np.sum(maps[index][mask.numpy()] >= threshold) / max(1, round(share * int(mask.sum()))), 1)
            for index, (mask, share) in ((index, (one.mask, one.enough)) for index, one in every)
        ]
        curve.append((float(np.mean(maps[~masks] >= threshold)), float(np.mean(overlaps))))
    area = 0.0
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x0 < max_fpr < x1:
            x1, y1 = max_fpr, y0 + (y1 - y0) * (max_fpr - x0) / (x1 - x0)
        if x1 <= max_fpr:
            area += (x1 - x0) * (y0 + y1) / 2
    return area / max_fpr


def told(pair: Pair, defects: list[list[Defect]]) -> Pair:
    prediction, truth = pair
    return prediction, replace(truth, defects=tuple(map(tuple, defects)))


def drawn(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, list[list[Defect]]]:
    """Maps, masks, and overlapping defects of all saturations, which the masks unite."""
    maps, _ = tied_maps(random)
    defects = [
        [
            Defect(torch.from_numpy(random.random(one.shape) < 0.2), float(random.uniform(0.01, 1)))
            for _ in range(random.integers(0, 4))
        ]
        for one in maps
    ]
    defects[0] = []
    defects[1] = [Defect(torch.ones(maps[1].shape, dtype=torch.bool), 0.3), *defects[1]]
    masks = np.stack(
        [
            np.logical_or.reduce([np.zeros(one.shape, bool), *(defect.mask.numpy() for defect in some)])
            for one, some in zip(maps, defects, strict=True)
        ]
    )
    return maps, masks, defects


@pytest.mark.parametrize("max_fpr", LIMITS)
def test_spro_equals_its_definition(random, max_fpr):
    maps, masks, defects = drawn(random)
    found = computed(SPRO(max_fpr), told(of_pixels(maps, masks), defects))
    assert found == pytest.approx(reference(maps, masks, defects, max_fpr), abs=1e-9)


def test_without_defects_told_apart_it_is_pro(random):
    pair = of_pixels(*tied_maps(random))
    assert computed(SPRO(0.3), pair) == computed(PRO(0.3), pair)


def test_the_curve_ends_at_its_limit_and_shows_saturation():
    maps = np.arange(100, dtype=np.float32).reshape(1, 10, 10)
    mask = maps >= 50
    pair = told(of_pixels(maps, mask), [[Defect(torch.from_numpy(mask[0]), 0.5)]])
    metric = SPRO(0.5)
    assert computed(metric, pair) == pytest.approx(1.0)
    x, y = metric.curve(50)
    assert x[0] == 0 and y[0] == pytest.approx(1.0) and x[-1] == 0.5


def test_half_of_a_defect_is_enough_where_the_data_set_says_so():
    mask = np.zeros((1, 4, 4), bool)
    mask[0, :2] = True
    maps = np.zeros((1, 4, 4), np.float32)
    maps[0, 0] = 1  # one row of two is found before everything else
    maps[0, 1] = -1
    half, whole = ([[Defect(torch.from_numpy(mask[0]), share)]] for share in (0.5, 1.0))
    assert computed(SPRO(0.3), told(of_pixels(maps, mask), half)) == pytest.approx(1.0)
    assert computed(SPRO(0.3), told(of_pixels(maps, mask), whole)) == pytest.approx(0.5)


def test_a_defect_of_another_size_and_a_limit_out_of_range_are_refused():
    maps, masks = np.zeros((1, 4, 4), np.float32), np.eye(4, dtype=bool)[None]
    with pytest.raises(BadShape, match=r'A defect of \(3, 3\) pixels .* from "0.png"'):
        computed(SPRO(), told(of_pixels(maps, masks), [[Defect(torch.ones(3, 3, dtype=torch.bool))]]))
    with pytest.raises(BadArgument, match='"max_fpr" above 0 and up to 1, got 0'):
        SPRO(0.0)


def test_masks_without_any_defect_told_are_refused():
    maps, masks = np.zeros((1, 4, 4), np.float32), np.eye(4, dtype=bool)[None]
    with pytest.raises(UndefinedMetric, match="spro needs a defect"):
        computed(SPRO(), told(of_pixels(maps, masks), [[]]))


def test_a_batch_tells_no_defects_apart_by_itself():
    assert Batch(torch.zeros(1, 3, 2, 2), ("a",)).defects is None
