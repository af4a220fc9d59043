import numpy as np
import pytest
import torch
from jsonargparse import ArgumentParser
from metric_inputs import computed, of_images, of_pixels, pieces, tied_maps
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from torchmetrics import MeanMetric, MeanSquaredError
from torchmetrics.classification import (
    BinaryAUROC,
    BinaryAveragePrecision,
    BinaryConfusionMatrix,
    BinaryF1Score,
    BinaryROC,
    BinaryStatScores,
    MultilabelAUROC,
)

from padimkit.contracts import Metric
from padimkit.errors import BadArgument, BadScores, UndefinedMetric
from padimkit.metrics.torchmetrics import TorchMetric

HALVES = np.arange(8) >= 4


def test_image_level_equals_scikit_learn_for_scores_that_saturate_a_sigmoid(random):
    scores = random.uniform(20, 70, 300).astype(np.float32)
    labels = random.random(300) < (scores - 10) / 80
    value = computed(TorchMetric(BinaryAveragePrecision()), of_images(scores, labels))
    assert value == pytest.approx(average_precision_score(labels, scores), abs=1e-6)


def test_pixel_level_equals_scikit_learn(random):
    maps = random.uniform(20, 70, (4, 20, 20)).astype(np.float32)
    masks = random.random(maps.shape) < (maps - 10) / 80
    value = computed(TorchMetric(BinaryAUROC(), level="pixel"), of_pixels(maps, masks))
    assert value == pytest.approx(roc_auc_score(masks.ravel(), maps.ravel()), abs=1e-6)


def test_ties_equal_scikit_learn(random):
    maps, masks = tied_maps(random)
    value = computed(TorchMetric(BinaryAveragePrecision(), level="pixel"), of_pixels(maps, masks))
    assert value == pytest.approx(average_precision_score(masks.ravel(), maps.ravel()), abs=1e-6)


def test_scores_one_float_apart_stay_apart():
    scores = np.nextafter(np.float32([50] * 8), np.float32(60)) * ~HALVES + np.float32(50) * HALVES
    assert computed(TorchMetric(BinaryAUROC()), of_images(scores.astype(np.float32), ~HALVES)) == 1.0


def test_a_threshold_lies_between_the_lowest_and_the_highest_score(random):
    scores = random.uniform(20, 70, 100).astype(np.float32)
    labels = random.random(100) < 0.5
    middle = (float(scores.min()) + float(scores.max())) / 2
    value = computed(TorchMetric(BinaryF1Score(threshold=0.5)), of_images(scores, labels))
    assert value == pytest.approx(f1_score(labels, scores > middle), abs=1e-6)


def test_constant_scores_get_the_value_of_chance():
    assert computed(TorchMetric(BinaryAUROC()), of_images(np.full(8, 33, np.float32), HALVES)) == 0.5


@pytest.mark.parametrize("size", [1, 3])
def test_batches_in_any_order_equal_one_batch(random, size):
    maps, masks = tied_maps(random)
    pair = of_pixels(maps, masks)
    metric = TorchMetric(BinaryAveragePrecision(), level="pixel")
    for piece in reversed(list(pieces(pair, size))):
        metric.update(*piece)
    whole = computed(TorchMetric(BinaryAveragePrecision(), level="pixel"), pair)
    assert metric.compute() == pytest.approx(whole, abs=1e-6)


def test_the_wrapped_metric_is_left_as_it_is():
    wrapped = BinaryAUROC()
    metric = TorchMetric(wrapped)
    assert computed(metric, of_images(np.arange(8, dtype=np.float32), HALVES)) == metric.compute() == 1.0
    assert not wrapped.update_called


def test_what_the_wrapped_metric_saw_before_does_not_count():
    wrapped = BinaryAUROC()
    wrapped.update(torch.tensor([0.9, 0.1]), torch.tensor([0, 1]))
    assert computed(TorchMetric(wrapped), of_images(np.arange(8, dtype=np.float32), HALVES)) == 1.0


def test_reset_forgets_everything():
    metric = TorchMetric(BinaryAUROC())
    metric.update(*of_images(-np.arange(8, dtype=np.float32), HALVES))
    metric.reset()
    assert computed(metric, of_images(np.arange(8, dtype=np.float32), HALVES)) == 1.0


def test_inputs_are_not_modified():
    prediction, truth = of_images(np.arange(8, dtype=np.float32), HALVES)
    computed(TorchMetric(BinaryAUROC()), (prediction, truth))
    assert torch.equal(prediction.image_scores, torch.arange(8.0))
    assert torch.equal(truth.labels, torch.as_tensor(HALVES))


def test_the_wrapped_metric_says_whether_higher_is_better():
    assert TorchMetric(BinaryAUROC()).higher_is_better is True
    assert TorchMetric(MeanSquaredError()).higher_is_better is False


def test_a_file_names_the_metric_by_its_class_path():
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--metric", type=Metric)
    inner = {"class_path": "torchmetrics.classification.BinaryFBetaScore", "init_args": {"beta": 2.0}}
    outer = {
        "class_path": "padimkit.metrics.torchmetrics.TorchMetric",
        "init_args": {"metric": inner, "level": "pixel"},
    }
    metric = parser.instantiate(parser.parse_object({"metric": outer})).metric
    assert isinstance(metric, TorchMetric)
    assert metric.level == "pixel"
    assert metric.metric.beta == 2.0


@pytest.mark.parametrize("wrapped", [BinaryROC(), BinaryStatScores(), BinaryConfusionMatrix(), MeanMetric()])
def test_a_metric_without_a_better_direction_is_refused(wrapped):
    with pytest.raises(BadArgument, match=f"{type(wrapped).__name__} does not say whether higher is better"):
        TorchMetric(wrapped)


class Curve(BinaryAUROC):
    def compute(self):
        return torch.zeros(3), torch.zeros(3)


class ValuePerClass(BinaryAUROC):
    def compute(self):
        return torch.zeros(2)


@pytest.mark.parametrize(("wrapped", "what"), [(Curve(), "a tuple"), (ValuePerClass(), "a tensor of shape")])
def test_a_result_that_is_not_one_number_is_refused(wrapped, what):
    with pytest.raises(BadArgument, match=f"returns {what}.*, not one number"):
        computed(TorchMetric(wrapped), of_images(np.arange(8, dtype=np.float32), HALVES))


def test_a_metric_that_does_not_take_binary_targets_is_refused_with_its_reason():
    with pytest.raises(BadArgument, match="MultilabelAUROC cannot compare scores with targets 0 and 1: "):
        computed(
            TorchMetric(MultilabelAUROC(num_labels=3)), of_images(np.arange(8, dtype=np.float32), HALVES)
        )


def test_one_class_only_is_refused_with_counts():
    with pytest.raises(UndefinedMetric, match="BinaryAUROC needs .* found 0 anomalous images in 8 images"):
        computed(TorchMetric(BinaryAUROC()), of_images(np.zeros(8, np.float32), HALVES & False))


def test_missing_truth_is_refused():
    with pytest.raises(UndefinedMetric, match="BinaryAUROC needs masks, but the data set has no masks"):
        computed(TorchMetric(BinaryAUROC(), level="pixel"), of_pixels(np.zeros((2, 2, 2), np.float32), None))


def test_infinite_and_nan_scores_are_refused():
    scores = np.arange(8, dtype=np.float32)
    with pytest.raises(UndefinedMetric, match=r"needs finite scores, found 0\.0 to inf"):
        computed(
            TorchMetric(BinaryAUROC()), of_images(np.where(scores == 7, np.float32(np.inf), scores), HALVES)
        )
    with pytest.raises(BadScores, match=r'"7\.png" hold NaN'):
        computed(
            TorchMetric(BinaryAUROC()), of_images(np.where(scores == 7, np.float32(np.nan), scores), HALVES)
        )
