import numpy as np
import pytest
from metric_inputs import computed, of_images, of_pixels, pieces, tied_maps
from sklearn.metrics import average_precision_score

from padimkit.errors import UndefinedMetric
from padimkit.metrics import _sorted_scores
from padimkit.metrics.precision import (
    ImageAveragePrecision,
    ImageF1Max,
    PixelAveragePrecision,
    PixelF1Max,
)

METRICS = (ImageAveragePrecision, ImageF1Max, PixelAveragePrecision, PixelF1Max)


def highest_f1(scores: np.ndarray, anomalous: np.ndarray) -> float:
    """The F1 score at every threshold, and the highest of all."""
    found = []
    for threshold in np.unique(scores):
        above = scores >= threshold
        true = np.sum(above & anomalous)
        precision, recall = true / np.sum(above), true / np.sum(anomalous)
        found.append(2 * precision * recall / (precision + recall) if true else 0.0)
    return max(found)


def drawn_images(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    labels = random.random(60) < 0.6
    labels[:2] = (False, True)
    return (random.integers(0, 25, 60) + 4 * labels).astype(np.float32) / 8, labels


def test_average_precision_equals_that_of_scikit_learn(random):
    scores, labels = drawn_images(random)
    maps, masks = tied_maps(random)
    expected = average_precision_score(labels, scores)
    assert computed(ImageAveragePrecision(), of_images(scores, labels)) == pytest.approx(expected, abs=1e-12)
    expected = average_precision_score(masks.ravel(), maps.ravel())
    assert computed(PixelAveragePrecision(), of_pixels(maps, masks)) == pytest.approx(expected, abs=1e-12)


def test_the_highest_f1_is_that_of_all_thresholds(random):
    scores, labels = drawn_images(random)
    maps, masks = tied_maps(random)
    expected = highest_f1(scores, labels)
    assert computed(ImageF1Max(), of_images(scores, labels)) == pytest.approx(expected, abs=1e-12)
    assert computed(PixelF1Max(), of_pixels(maps, masks)) == pytest.approx(highest_f1(maps, masks), abs=1e-12)


@pytest.mark.parametrize("make", [PixelAveragePrecision, PixelF1Max])
def test_batches_and_chunks_do_not_matter(random, monkeypatch, make):
    pair = of_pixels(*tied_maps(random))
    expected = computed(make(), pair)
    monkeypatch.setattr(_sorted_scores, "_CHUNK", 7)
    metric = make()
    for piece in reversed(list(pieces(pair, 1))):
        metric.update(*piece)
    assert metric.compute() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("make", METRICS)
def test_simple_predictions_get_their_known_value(make):
    scores, anomalous = np.arange(8, dtype=np.float32), np.arange(8) >= 6

    def value(scores: np.ndarray) -> float:
        if make.level == "image":
            return computed(make(), of_images(scores, anomalous))
        return computed(make(), of_pixels(scores.reshape(2, 2, 2), anomalous.reshape(2, 2, 2)))

    precision = make in (ImageAveragePrecision, PixelAveragePrecision)
    assert value(scores) == 1.0
    assert value(0 * scores) == (0.25 if precision else 0.4)
    assert value(-scores) == pytest.approx((1 / 7 + 2 / 8) / 2 if precision else 0.4)


@pytest.mark.parametrize("make", METRICS)
def test_truth_that_is_all_alike_is_refused_by_name(make):
    pair = of_images if make.level == "image" else of_pixels
    shape = (3,) if make.level == "image" else (3, 2, 2)
    with pytest.raises(UndefinedMetric, match=f"{make.name} needs .* found 0 anomalous"):
        computed(make(), pair(np.zeros(shape, np.float32), np.zeros(shape, bool)))
