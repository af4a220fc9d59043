import numpy as np
import pytest
import torch
from metric_inputs import computed, of_images, of_pixels, pieces, tied_maps
from sklearn.metrics import roc_auc_score

from padimkit.errors import BadScores, BadShape, UndefinedMetric
from padimkit.metrics import _sorted_scores, _truth
from padimkit.metrics.auroc import ImageAUROC, PixelAUROC
from padimkit.values import Prediction

HALVES = np.arange(8) >= 4


def reference(scores: np.ndarray, anomalous: np.ndarray) -> float:
    return float(roc_auc_score(anomalous.ravel(), scores.astype(np.float64).ravel()))


def test_image_auroc_equals_that_of_scikit_learn(random):
    scores = random.normal(40, 10, 200).astype(np.float32)
    labels = random.random(200) < 0.7
    assert computed(ImageAUROC(), of_images(scores, labels)) == pytest.approx(
        reference(scores, labels), abs=1e-9
    )


def test_pixel_auroc_equals_that_of_scikit_learn(random):
    maps = random.normal(40, 10, (5, 30, 30)).astype(np.float32)
    masks = random.random(maps.shape) < 0.05
    assert computed(PixelAUROC(), of_pixels(maps, masks)) == pytest.approx(reference(maps, masks), abs=1e-9)


def test_ties_between_normal_and_anomalous_count_half(random):
    maps, masks = tied_maps(random)
    assert computed(PixelAUROC(), of_pixels(maps, masks)) == pytest.approx(reference(maps, masks), abs=1e-9)


def test_it_does_not_matter_whether_normal_or_anomalous_pixels_are_more(random):
    maps, masks = tied_maps(random)
    assert computed(PixelAUROC(), of_pixels(maps, ~masks)) == pytest.approx(reference(maps, ~masks), abs=1e-9)


def test_more_pixels_than_one_chunk_give_the_same(random, monkeypatch):
    maps, masks = tied_maps(random)
    monkeypatch.setattr(_sorted_scores, "_CHUNK", 7)
    assert computed(PixelAUROC(), of_pixels(maps, masks)) == pytest.approx(reference(maps, masks), abs=1e-9)


@pytest.mark.parametrize("size", [1, 3])
def test_batches_in_any_order_equal_one_batch(random, size):
    maps, masks = tied_maps(random)
    pair = of_pixels(maps, masks)
    metric = PixelAUROC()
    for piece in reversed(list(pieces(pair, size))):
        metric.update(*piece)
    assert metric.compute() == computed(PixelAUROC(), pair)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (np.arange(8.0), 1.0),
        (-np.arange(8.0), 0.0),
        (np.full(8, 3.0), 0.5),
        (np.where(HALVES, np.inf, -np.inf), 1.0),
    ],
    ids=["perfect", "inverted", "constant", "infinite"],
)
def test_simple_predictions_get_their_known_value(scores, expected):
    scores = scores.astype(np.float32)
    assert computed(ImageAUROC(), of_images(scores, HALVES)) == expected
    assert computed(PixelAUROC(), of_pixels(scores.reshape(2, 2, 2), HALVES.reshape(2, 2, 2))) == expected


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_taken(dtype):
    prediction, truth = of_images(np.arange(8, dtype=np.float32), HALVES)
    prediction = Prediction(prediction.image_scores.to(dtype), prediction.anomaly_maps)
    assert computed(ImageAUROC(), (prediction, truth)) == 1.0


def test_scores_that_carry_a_gradient_are_taken():
    scores = torch.arange(8.0, requires_grad=True)
    _, truth = of_images(np.arange(8.0), HALVES)
    assert computed(ImageAUROC(), (Prediction(scores, torch.zeros(8, 1, 1)), truth)) == 1.0


def test_compute_can_be_repeated_and_continued():
    metric = ImageAUROC()
    assert computed(metric, of_images(np.arange(8, dtype=np.float32), HALVES)) == 1.0
    assert metric.compute() == 1.0
    metric.update(*of_images(np.float32([9.0]), np.array([False])))
    assert metric.compute() == 0.8


@pytest.mark.parametrize("metric", [ImageAUROC(), PixelAUROC()], ids=["image", "pixel"])
def test_reset_forgets_everything(metric):
    metric.update(*of_images(np.float32([1, 2]), None))
    metric.reset()
    pair = of_images if isinstance(metric, ImageAUROC) else of_pixels
    shape = (8,) if isinstance(metric, ImageAUROC) else (2, 2, 2)
    scores = np.arange(8, dtype=np.float32).reshape(shape)
    assert computed(metric, pair(scores, HALVES.reshape(shape))) == 1.0


def test_inputs_are_copied_and_not_modified():
    prediction, truth = of_pixels(
        np.arange(8, dtype=np.float32)[::-1].reshape(2, 2, 2).copy(), HALVES.reshape(2, 2, 2)
    )
    maps, masks = prediction.anomaly_maps.clone(), truth.masks.clone()
    metric = PixelAUROC()
    assert computed(metric, (prediction, truth)) == 0.0
    assert torch.equal(prediction.anomaly_maps, maps)
    assert torch.equal(truth.masks, masks)
    prediction.anomaly_maps.fill_(0)
    truth.masks.fill_(False)
    assert metric.compute() == 0.0


@pytest.mark.parametrize(("anomalous", "absent"), [(False, "anomalous"), (True, "normal")])
def test_one_class_only_is_refused_with_counts(anomalous, absent):
    images = of_images(np.zeros(12, np.float32), np.full(12, anomalous))
    pixels = of_pixels(np.zeros((12, 2, 2), np.float32), np.full((12, 2, 2), anomalous))
    with pytest.raises(UndefinedMetric, match=f"found 0 {absent} images in 12 images"):
        computed(ImageAUROC(), images)
    with pytest.raises(
        UndefinedMetric,
        match=f"pixel_auroc needs normal and anomalous pixels, found 0 {absent} pixels in 12 images",
    ):
        computed(PixelAUROC(), pixels)


def test_nothing_at_all_is_refused():
    with pytest.raises(UndefinedMetric, match="found 0 normal and 0 anomalous pixels in 0 images"):
        PixelAUROC().compute()


def test_missing_truth_is_refused_when_computed():
    with pytest.raises(UndefinedMetric, match="image_auroc needs labels, but the data set has no labels"):
        computed(ImageAUROC(), of_images(np.zeros(2, np.float32), None))
    with pytest.raises(UndefinedMetric, match="pixel_auroc needs masks, but the data set has no masks"):
        computed(PixelAUROC(), of_pixels(np.zeros((2, 2, 2), np.float32), None))


def test_truth_for_some_images_only_is_refused():
    metric = ImageAUROC()
    metric.update(*of_images(np.arange(8, dtype=np.float32), HALVES))
    metric.update(*of_images(np.zeros(3, np.float32), None))
    with pytest.raises(UndefinedMetric, match="needs labels for all images, but 3 of 11 have none"):
        metric.compute()


def test_nan_is_refused_with_the_first_path():
    scores = np.float32([1, 2, np.nan, np.nan])
    with pytest.raises(BadScores, match=r'"2\.png" hold NaN'):
        ImageAUROC().update(*of_images(scores, HALVES[2:6]))
    maps = np.zeros((4, 2, 2), np.float32)
    maps[2, 1, 0] = np.nan
    with pytest.raises(BadScores, match=r'"2\.png" hold NaN'):
        PixelAUROC().update(*of_pixels(maps, maps > 0))


@pytest.mark.parametrize("shape", [(2, 4, 5), (3, 4, 4)])
def test_maps_and_masks_of_different_shape_are_refused(shape):
    prediction, _ = of_pixels(np.zeros((2, 4, 4), np.float32), None)
    _, truth = of_pixels(np.zeros(shape, np.float32), np.zeros(shape))
    with pytest.raises(BadShape, match=r'\(2, 4, 4\) .* truth of shape \(\d, 4, \d\), from "0\.png" on'):
        PixelAUROC().update(prediction, truth)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float32])
def test_masks_that_are_not_boolean_are_refused(dtype):
    maps = torch.rand(2, 4, 4)
    checked = getattr(_truth._checked, "__wrapped__", _truth._checked)
    with pytest.raises(BadShape, match='Expected truth of torch.bool, got .* from "a" on. Use "> 0"'):
        checked(maps, (maps > 0.5).to(dtype), ("a", "b"))
