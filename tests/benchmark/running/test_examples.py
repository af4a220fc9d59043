import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_curve

from padimkit.benchmark.record import unpacked
from padimkit.benchmark.running.examples import ExampleCollector, roc
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


def test_numbers_that_are_not_finite_leave_no_scores_of_images():
    collector = ExampleCollector(frozenset())
    assert collector.images({"pro": []}, {}).names == ()
    assert collector.images({"pro": [float("nan")]}, {}) is None


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
