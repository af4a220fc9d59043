import numpy as np
import pytest
import torch

from padimkit import BadScores, Batch, Calibration, Prediction, UndefinedMetric
from padimkit.inspection.calibration import MapStatistics
from padimkit.inspection.verdict_rates import FalseAlarms, Misses

MAPS = MapStatistics((1.0, 2.0), (0.5, 0.6), ((0.01, 0.1), (0.99, 1.5)))


@pytest.fixture
def calibration(random):
    return Calibration.from_scores(random.normal(0, 1, 19).tolist(), MAPS, false_alarms=0.2, review=0.5)


def fed(metric, scores, labels, size=7):
    for start in range(0, len(scores), size):
        part = torch.tensor(scores[start : start + size])
        known = None if labels is None else torch.tensor(labels[start : start + size])
        images = torch.zeros(len(part), 3, 2, 2)
        paths = tuple(map(str, range(len(part))))
        metric.update(Prediction(part, torch.zeros(len(part), 2, 2)), Batch(images, paths, known))
    return metric


def test_rates_are_those_of_scores_beyond_the_thresholds(calibration, random):
    scores, labels = random.normal(0.5, 1.5, 60), random.random(60) < 0.4
    scores[:4] = calibration.threshold  # a score at the threshold raises no alarm
    scores[4:8] = calibration.review_threshold  # and one at the lower one is not looked at
    labels[:8] = [True, False, True, False] * 2
    threshold, lower = np.sort(calibration.scores)[[-4, -10]]  # the 4th and the 10th highest of 19 + 1
    assert (labels & (scores > lower) & (scores <= threshold)).any()  # for REVIEW, which is not missed
    for metric, wrong, kind in (
        (FalseAlarms(calibration), ~labels & (scores > threshold), ~labels),
        (Misses(calibration), labels & (scores <= lower), labels),
    ):
        assert 0 < wrong.sum() < kind.sum()
        assert fed(metric, scores, labels).compute() == wrong.sum() / kind.sum()
        assert (metric.count, metric.total) == (wrong.sum(), kind.sum())
        assert metric.higher_is_better is False


@pytest.mark.parametrize("make", [FalseAlarms, Misses])
def test_reset_forgets(calibration, make, random):
    scores, labels = random.normal(0, 1, 20), random.random(20) < 0.5
    metric = fed(make(calibration), scores, labels)
    expected = metric.compute(), metric.count
    metric.reset()
    assert (metric.count, metric.total) == (0, 0)
    fed(metric, scores, labels)
    assert (metric.compute(), metric.count) == expected


@pytest.mark.parametrize(
    ("make", "label", "kind"), [(FalseAlarms, True, "normal"), (Misses, False, "anomalous")]
)
def test_a_rate_needs_images_of_its_kind_only(calibration, make, label, kind):
    with pytest.raises(UndefinedMetric, match=f"needs {kind} images, and there are none"):
        fed(make(calibration), [1.0, 2.0], [label, label]).compute()
    assert 0 <= fed(make(calibration), [1.0, 2.0], [not label, not label]).compute() <= 1


@pytest.mark.parametrize("make", [FalseAlarms, Misses])
def test_images_without_labels_leave_a_rate_undefined(calibration, make):
    metric = fed(make(calibration), [1.0, 2.0], [False, True])
    with pytest.raises(UndefinedMetric, match="needs labels, but 3 images have none"):
        fed(metric, [1.0, 2.0, 3.0], None).compute()


@pytest.mark.parametrize("make", [FalseAlarms, Misses])
def test_a_score_that_is_no_number_is_refused(calibration, make):
    with pytest.raises(BadScores, match="not a number"):
        fed(make(calibration), [float("nan")] * 2, [False, True])
