from dataclasses import replace

import numpy as np
import pytest
import torch
from metric_inputs import Pair, computed, of_pixels, pieces, tied_maps

from padimkit.errors import BadArgument, UndefinedMetric
from padimkit.metrics.aupimo import AUPIMO

RANGES = [(0.001, 0.01), (0.02, 0.4)]


def reference(maps: np.ndarray, masks: np.ndarray, labels: np.ndarray, low: float, high: float) -> float:
    """The definition: recall of each image at many rates, each at the lowest threshold that keeps it."""
    normal = maps[~labels]
    thresholds = np.append(np.unique(maps), np.inf)
    shares = np.array([np.mean(normal >= one) for one in thresholds])  # falls with the threshold
    logs = np.linspace(np.log(low), np.log(high), 20001)
    logs = (logs[1:] + logs[:-1]) / 2  # the middles of equal steps
    lowest = np.array([thresholds[np.flatnonzero(shares <= rate)[0]] for rate in np.exp(logs)])
    recalls = [
        np.mean(maps[index][masks[index]][:, None] >= lowest)
        for index in np.flatnonzero(labels)
        if masks[index].any()
    ]
    return float(np.mean(recalls))


def labelled(maps: np.ndarray, masks: np.ndarray, labels: np.ndarray) -> Pair:
    prediction, truth = of_pixels(maps, masks)
    return prediction, replace(truth, labels=torch.from_numpy(labels))


def drawn(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    maps, masks = tied_maps(random)
    labels = masks.any((1, 2))
    return (maps + 2 * masks).astype(np.float32), masks, labels


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_aupimo_equals_its_definition(random, low, high):
    maps, masks, labels = drawn(random)
    expected = reference(maps, masks, labels, low, high)
    found = computed(AUPIMO(low, high), labelled(maps, masks, labels))
    assert found == pytest.approx(expected, abs=2e-4)  # the reference takes 20,000 steps


def test_an_anomalous_image_without_a_visible_defect_is_left_out(random):
    maps, masks, labels = drawn(random)
    expected = computed(AUPIMO(0.02, 0.4), labelled(maps, masks, labels))
    hidden = np.full((1, *maps.shape[1:]), 99, np.float32)
    more = np.concatenate([maps, hidden]), np.concatenate([masks, hidden < 0]), np.append(labels, True)
    assert computed(AUPIMO(0.02, 0.4), labelled(*more)) == expected


def test_normal_pixels_of_anomalous_images_do_not_count():
    masks = np.zeros((2, 4, 4), bool)
    masks[1, 0, 0] = True
    maps = masks.astype(np.float32)
    maps[1, 3, 3] = 9
    assert computed(AUPIMO(0.1, 0.5), labelled(maps, masks, np.array([False, True]))) == 1.0


def test_batches_in_any_order_equal_one_batch(random):
    pair = labelled(*drawn(random))
    metric = AUPIMO(0.02, 0.4)
    for piece in reversed(list(pieces(pair, 1))):
        metric.update(*piece)
    assert metric.compute() == pytest.approx(computed(AUPIMO(0.02, 0.4), pair), abs=1e-12)


def test_one_kind_of_images_alone_and_missing_labels_are_refused(random):
    maps, masks, labels = drawn(random)
    with pytest.raises(UndefinedMetric, match="found 0 normal ones"):
        computed(AUPIMO(), labelled(maps[labels], masks[labels], labels[labels]))
    masks_of_none = labelled(maps[~labels], masks[~labels], labels[~labels])
    with pytest.raises(UndefinedMetric, match="found 0 anomalous pixels"):
        computed(AUPIMO(), masks_of_none)
    with pytest.raises(UndefinedMetric, match="aupimo needs labels"):
        computed(AUPIMO(), of_pixels(maps, masks))


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.1), (0.1, 0.1), (0.1, 1.0)])
def test_rates_without_an_interval_are_refused(low, high):
    with pytest.raises(BadArgument, match='0 < "min_fpr" < "max_fpr" < 1'):
        AUPIMO(low, high)
