import numpy as np
import pytest
from metric_inputs import computed, of_images, of_pixels, pieces, tied_maps

from padimkit.errors import BadArgument, UndefinedMetric
from padimkit.metrics.operating_point import ImageSensitivity, PixelIoU, PixelSensitivity

RATES = [0.0, 0.01, 0.3, 0.999]


def above(scores: np.ndarray, anomalous: np.ndarray, max_fpr: float) -> np.ndarray:
    """What reaches the lowest of all thresholds that few enough normal scores reach."""
    thresholds = np.append(np.unique(scores), np.inf)
    normal = scores[~anomalous]
    kept = [one for one in thresholds if np.sum(normal >= one) <= max_fpr * normal.size]
    return scores >= min(kept)


@pytest.mark.parametrize("max_fpr", RATES)
def test_sensitivity_and_overlap_are_those_of_the_best_threshold_that_keeps_the_rate(random, max_fpr):
    maps, masks = tied_maps(random)
    found = above(maps, masks, max_fpr)
    pair = of_pixels(maps, masks)
    sensitivity = np.sum(found & masks) / np.sum(masks)
    assert computed(PixelSensitivity(max_fpr), pair) == pytest.approx(sensitivity, abs=1e-12)
    overlap = np.sum(found & masks) / np.sum(found | masks)
    assert computed(PixelIoU(max_fpr), pair) == pytest.approx(overlap, abs=1e-12)


def test_the_sensitivity_of_images_counts_images(random):
    labels = np.arange(200) >= 100
    scores = (random.normal(0, 1, 200) + labels).astype(np.float32)
    for max_fpr in (0.05, 0.29, 0.58):  # 0.29 and 0.58 of 100 fall below 29 and 58 by rounding
        found = above(scores, labels, round(max_fpr * 100) / 100 + 1e-9)
        expected = np.mean(found[labels])
        assert computed(ImageSensitivity(max_fpr), of_images(scores, labels)) == expected


@pytest.mark.parametrize("make", [PixelSensitivity, PixelIoU])
def test_batches_do_not_matter(random, make):
    pair = of_pixels(*tied_maps(random))
    metric = make(0.1)
    for piece in reversed(list(pieces(pair, 1))):
        metric.update(*piece)
    assert metric.compute() == computed(make(0.1), pair)


@pytest.mark.parametrize("make", [ImageSensitivity, PixelSensitivity, PixelIoU])
def test_rates_that_let_everything_or_nothing_through_are_refused(make):
    for wrong in (-0.1, 1.0, float("nan")):
        with pytest.raises(BadArgument, match='Expected "max_fpr" from 0 to below 1'):
            make(wrong)


def test_truth_that_is_all_alike_is_refused_by_name():
    with pytest.raises(UndefinedMetric, match="pixel_iou needs .* found 0 anomalous pixels in 2 images"):
        computed(PixelIoU(0.1), of_pixels(np.zeros((2, 2, 2), np.float32), np.zeros((2, 2, 2), bool)))
