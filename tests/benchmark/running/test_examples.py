import numpy as np
import pytest
from sklearn.metrics import roc_curve

from padimkit.benchmark.running.examples import ExampleCollector, roc


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
    assert collector.images({"pro": []}).names == ()
    assert collector.images({"pro": [float("nan")]}) is None
