import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_curve

from padimkit.benchmark.record import unpacked
from padimkit.benchmark.running.examples import ExampleCollector, roc
from padimkit.benchmark.running.execution import _curves
from padimkit.contracts import HasCurve, Metric
from padimkit.values import Batch, Prediction


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("count", [2, 3, 40])
def test_the_roc_curve_is_that_of_scikit_learn(random, count, levels):
    """Also where many scores are tied."""
    anomalous = random.permutation(np.arange(count) % 3 == 0)
    scores = random.integers(levels, size=count) + 2.0 * anomalous
    expected = roc_curve(anomalous, scores)
    for found, other in zip(roc(anomalous, scores), expected[:2], strict=True):
        np.testing.assert_array_equal(found, other)


def test_equal_scores_are_a_diagonal():
    false, true = roc(np.array([True, False, True]), np.ones(3))
    assert false.tolist() == true.tolist() == [0, 1]


def test_what_is_not_finite_of_a_metric_leaves_scores_and_other_metrics_and_is_named():
    collector = ExampleCollector(frozenset())
    images, maps = torch.zeros(2, 3, 8, 8), torch.ones(2, 8, 8)
    collector.update(Prediction(maps.amax((1, 2)), maps), Batch(images, ("a", "b")))
    influence = {"pro": [0.5, math.nan], "auroc": [0.5, -0.5]}
    values = {"iou": [math.nan, 1.0], "huge": [1e300, 1.0]}  # of which float32 makes infinity
    found = collector.images(influence, values)
    assert unpacked(found.scores) == (1.0, 1.0)
    assert set(found.influence) == {"auroc"} and set(found.values) == {"iou"}
    assert found.left_out == ("influence pro", "values huge")


def test_scores_that_are_not_finite_are_not_kept():
    collector, maps = ExampleCollector(frozenset()), torch.full((1, 8, 8), math.nan)
    collector.update(Prediction(maps.amax((1, 2)), maps), Batch(torch.zeros(1, 3, 8, 8), ("a",)))
    assert collector.images({}, {}) is None


def test_examples_and_scores_hold_the_values_of_their_images():
    images = torch.zeros(3, 3, 8, 8)
    collector = ExampleCollector(frozenset({0, 2}))
    for part in (slice(0, 2), slice(2, 3)):
        maps = images[part, 0]
        collector.update(Prediction(maps.amax((1, 2)), maps), Batch(images[part], ("a", "b", "c")[part]))
    values = {"overlap": [float("nan"), 0.5, 0.25]}
    assert [example.values for example in collector.examples(values)] == [{}, {"overlap": 0.25}]
    kept = unpacked(collector.images({}, values).values["overlap"], gaps=True)
    assert math.isnan(kept[0]) and kept[1:] == (0.5, 0.25)


def test_the_curve_of_a_metric_that_is_called_roc_stands_beside_that_of_images():
    class Curved(HasCurve, Metric):
        higher_is_better = True

        def update(self, prediction, truth): ...
        def compute(self): ...
        def reset(self): ...
        def curve(self, points):
            return np.array([0.0, 1.0]), np.array([0.0, 1.0])

    found = _curves({"roc": Curved(), "pro": Curved(), "undefined": Curved()}, ["roc", "pro"])
    assert set(found) == {"metric roc", "pro"}
