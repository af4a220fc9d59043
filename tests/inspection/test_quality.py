"""Counts, exact limits and the best threshold, beside SciPy's, scikit-learn's and a plain search."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from padimkit import BadData, Verdict
from padimkit.inspection.quality import Judged, Quality, limits, rate


def quality(good, bad, threshold=2.0, review=1.0):
    images = [Judged(f"good/{n}.png", False, float(score)) for n, score in enumerate(good)]
    images += [Judged(f"bad/{n}.png", True, float(score)) for n, score in enumerate(bad)]
    return Quality(tuple(images), threshold, review)


def test_verdicts_are_counted_by_truth():
    found = quality([0.5, 1.0, 1.5, 2.0, 2.1], [0.9, 1.1, 3.0])
    counts = {
        (kind, verdict): found.rate(kind, verdict).count for kind in (False, True) for verdict in Verdict
    }
    assert [counts[False, verdict] for verdict in (Verdict.OK, Verdict.REVIEW, Verdict.NG)] == [2, 2, 1]
    assert [counts[True, verdict] for verdict in (Verdict.OK, Verdict.REVIEW, Verdict.NG)] == [1, 1, 1]
    assert (found.false_alarms.count, found.false_alarms.total) == (1, 5)
    assert (found.misses.count, found.misses.share) == (1, pytest.approx(1 / 3))


@pytest.mark.parametrize("total", [1, 2, 7, 60])
def test_limits_are_those_of_an_exact_binomial_test(total):
    lower, upper = limits(total)
    for count in range(total + 1):
        expected = binomtest(count, total).proportion_ci(0.95, method="exact")
        assert (lower[count], upper[count]) == pytest.approx((expected.low, expected.high), abs=1e-9)
    found = rate(1, total)
    assert (found.lower, found.upper) == (lower[1], upper[1])


def test_limits_contain_the_truth_as_often_as_they_say(random):
    total, share = 40, 0.07
    lower, upper = (np.array(ends) for ends in limits(total))
    counts = random.binomial(total, share, 20_000)
    inside = (lower[counts] <= share) & (share <= upper[counts])
    assert inside.mean() >= 0.95


def test_the_auroc_is_that_of_scikit_learn(random):
    good, bad = random.integers(0, 9, 30), random.integers(3, 12, 20)  # with ties
    expected = roc_auc_score([0] * 30 + [1] * 20, [*good, *bad])
    assert quality(good, bad).auroc == pytest.approx(expected)


def test_the_best_threshold_is_that_of_a_plain_search(random):
    for _ in range(20):
        good, bad = random.normal(0, 1, 15).round(1), random.normal(1.5, 1, 12).round(1)
        found = quality(good, bad).best
        places = [*good, *bad, -10.0, 10.0]
        errors = [np.mean(good > place) + np.mean(bad <= place) for place in places]
        assert found.false_alarms / 15 + found.misses / 12 == pytest.approx(min(errors))
        assert found.false_alarms == sum(good > found.threshold)
        assert found.misses == sum(bad <= found.threshold)


def test_a_clear_gap_is_cut_in_its_middle():
    found = quality([1.0, 2.0], [5.0, 6.0]).best
    assert (found.threshold, found.false_alarms, found.misses) == (3.5, 0, 0)


def test_equal_scores_cannot_be_separated():
    found = quality([1.0, 1.0], [1.0]).best
    assert found.false_alarms / 2 + found.misses == 1


@pytest.mark.parametrize(("good", "bad", "missing"), [([], [1.0], "good"), ([1.0], [], "bad")])
def test_both_kinds_are_needed(good, bad, missing):
    with pytest.raises(BadData, match=f"There are no {missing} images"):
        quality(good, bad)
